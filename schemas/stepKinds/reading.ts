import { z } from "zod";
import { correctionProtocol } from "../correctionProtocol.ts";
import { protocolSchema } from "../reading.ts";
import { studyProtocols } from "../studyProtocols.ts";
import type { StepKind } from "./stepKind.ts";

const cases = { type: "cases", summary: "what is looked at" } as const;
const decisions = { type: "decisions", summary: "what stands at the end, and the log of every answer" } as const;

/** A declared rule that decides instead of people. */
export const policySchema = z.strictObject({
  rule: z
    .enum(["edge-gain"])
    .default("edge-gain")
    .describe(
      "edge-gain: doublings of steepness that the edges of an enhanced slice have gained at equal contrast, less what more noise, overshoot and structure that the original lacks cost",
    ),
  revision: z
    .literal(2)
    .default(2)
    .describe("Revision of the rule: where it is a newer one, cases are decided anew, and people's answers kept"),
  answer: z.string().default("select").describe("Answer that the best cases are given"),
  otherwise: z.string().optional().describe("Answer that the others are given; if absent: none"),
  above: z.number().default(0).describe("Score above which a case may be given the answer; 0: better than the slice itself"),
  atMost: z.int().positive().default(1000).describe("Number of cases that are given it at most, the best ones"),
});

/** Who decides. */
export const decideParams = {
  decide: z
    .enum(["people", "policy", "people-then-policy"])
    .default("people")
    .describe(
      "policy: the declared rule, nobody is asked, and record and tables say so; people-then-policy: the rule, where people have not finished at the deadline",
    ),
  policy: policySchema.optional().describe("The rule, where one may decide"),
};

interface Decides {
  readonly decide: "people" | "policy" | "people-then-policy";
  readonly policy?: unknown;
  readonly deadline?: unknown;
}
type Refinement = [check: (params: Decides) => boolean, complaint: { path: string[]; message: string }];
/** What must be said where a policy may decide: refinements of a step's parameters. */
export const policyIsGiven: Refinement = [
  ({ decide, policy }: Decides): boolean => decide === "people" || policy !== undefined,
  { path: ["policy"], message: "is missing: who decides is not people alone" },
];
export const deadlineIsGiven: Refinement = [
  ({ decide, deadline }: Decides): boolean => decide !== "people-then-policy" || deadline !== undefined,
  { path: ["deadline"], message: "is missing: when does the policy decide?" },
];

const readingSchema = protocolSchema
  .safeExtend(decideParams)
  .refine(...policyIsGiven)
  .refine(...deadlineIsGiven)
  .refine(
    ({ policy, answers }) =>
      policy === undefined ||
      [policy.answer, policy.otherwise ?? policy.answer].every((word) => answers.some(({ answer }) => answer === word)),
    { path: ["policy", "answer"], message: "and `otherwise` must be among the answers" },
  );

const protocols = { ...studyProtocols, correction: correctionProtocol };
const { title, question, layout, answers, mode, order } = protocolSchema.shape;
const declaredSchema = z
  .strictObject({
    protocol: z
      .enum(["acceptance", "comparison", "correction"])
      .optional()
      .describe(
        "acceptance (Fig. 12: f accepts, j rejects) or comparison (Fig. 13: f left, j right, b both, n neither) of a study of readers; correction of masks by hand (s corrected, k leave the mask, d leave the lesion out): title, question, layout, answers, mode and order need not be given, and may be",
      ),
    ...readingSchema.shape,
    ...{ title: title.optional(), question: question.optional(), layout: layout.optional(), mode: mode.optional() },
    ...{ answers: answers.optional(), order: order.removeDefault().optional() },
  })
  // A protocol that is called by its name and one that is spelled out are the same action.
  .transform(({ protocol, ...given }) => {
    const said = Object.entries(given).filter(([, value]) => value !== undefined);
    return { ...(protocol === undefined ? {} : protocols[protocol]), ...Object.fromEntries(said) };
  });

export const reading = {
  kind: "reading",
  version: 1,
  queue: "cpu",
  numerics: "none",
  shape: "workflow",
  summary: "people look at cases and answer; the step waits for them as long as it takes",
  params: declaredSchema.pipe(readingSchema),
  external: [],
  inputs: { cases },
  outputs: { decisions },
} as const satisfies StepKind;

export const readingPolicy = {
  kind: "reading.policy",
  version: 2,
  queue: "cpu",
  numerics: "plain",
  shape: "single",
  summary: "a declared rule decides on cases, with the score of each",
  params: policySchema,
  external: [],
  inputs: { cases },
  outputs: { decisions },
} as const satisfies StepKind;
