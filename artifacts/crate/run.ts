import type { ActionRecord } from "../../schemas/records.ts";
import type { FoundAction } from "../records.ts";
import { counted, type Entity, local, moment, type Ref, ref, refs, valueEntity, valueType } from "./entities.ts";
import { sourceFile } from "./layout.ts";
import type { Lineage } from "./lineage.ts";
import { kindUrn } from "./statement.ts";

const completed = "http://schema.org/CompletedActionStatus";

/** Plan and execution of a campaign as entities. */
export interface Run {
  readonly tools: readonly Entity[];
  readonly steps: readonly Entity[];
  readonly inputs: readonly Entity[];
  readonly outputs: readonly Entity[];
  /** Values of parameters. */
  readonly values: readonly Entity[];
  readonly actions: readonly Entity[];
  readonly controls: readonly Entity[];
  readonly campaign: Entity;
  readonly organization: Entity;
  readonly engine: Entity;
  /** Those that an action here names. */
  readonly artifacts: ReadonlySet<string>;
  /** By the artifact's `@id`: the workflow's inputs and outputs that it was. */
  readonly examples: ReadonlyMap<string, readonly Ref[]>;
}

/** Plan and execution: steps, tools, parameters, and the actions that answer them. */
export function describeRun({ campaign, pipeline, records }: Lineage, artifactRef: (digest: string) => Ref): Run {
  const recordOf = new Map(records.map((found) => [found.digest as string, found]));
  const answered = stepsInOrder(campaign.steps, pipeline).map((name) => ({ name, found: recordOf.get(campaign.steps[name])! }));
  const tools = new Map<string, Entity>();
  const actions = new Map<string, Entity>();
  const values: Entity[] = [];
  const artifacts = new Set<string>();
  const examples = new Map<string, Ref[]>();
  const meet = (digest: string): Ref => {
    artifacts.add(digest);
    return artifactRef(digest);
  };
  const steps: Entity[] = [];
  const controls: Entity[] = [];
  for (const [position, { name, found }] of answered.entries()) {
    const tool = toolOf(found.record);
    tools.set(tool["@id"], tool);
    const step: Entity = {
      "@id": local("step", name),
      "@type": "HowToStep",
      name,
      position: String(position),
      workExample: ref(tool),
    };
    steps.push(step);
    const id = local("action", found.digest);
    if (!actions.has(id)) {
      const given = Object.entries(found.record.params).map(([key, value]) =>
        valueEntity(`${id}/${encodeURIComponent(key)}`, key, value),
      );
      values.push(...given);
      actions.set(
        id,
        actionOf(
          id,
          name,
          found,
          [...refs(given), ...Object.values(found.record.inputs).map(({ artifact }) => meet(artifact))],
          Object.values(found.record.outputs).map(meet),
        ),
      );
    }
    controls.push({
      "@id": local("control", name),
      "@type": "ControlAction",
      name: `Step ${name}`,
      instrument: ref(step),
      object: { "@id": id },
    });
  }

  const formal = (kind: string, name: string, additionalType: string, example: Ref): Entity => ({
    "@id": local(kind, name),
    "@type": "FormalParameter",
    conformsTo: { "@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE" },
    name,
    additionalType,
    workExample: example,
  });
  const artifactParameter = (kind: string, name: string, digest: string): Entity => {
    const parameter = formal(kind, name, "Dataset", meet(digest));
    const { "@id": id } = artifactRef(digest);
    examples.set(id, [...(examples.get(id) ?? []), ref(parameter)]);
    return parameter;
  };
  const settings = Object.entries(pipeline.params).map(([name, value]) => {
    const id = local("value", name);
    const parameter = formal("parameter", name, valueType(value), { "@id": id });
    values.push({ ...valueEntity(id, name, value), exampleOfWork: ref(parameter) });
    return parameter;
  });
  const isOwn = (name: string) => pipeline.steps.some((step) => step.name === name);
  // A report's page reads the campaign itself, which is no input of it.
  const sources = answered
    .filter(({ name }) => isOwn(name))
    .flatMap(({ name, found }) =>
      Object.entries(found.record.inputs)
        .filter(([, { record }]) => record === undefined)
        .map(([input, { artifact }]) => artifactParameter("source", `${name} ${input}`, artifact)),
    );
  const results = answered
    .filter(({ name }) => pipeline.wanted.includes(name) || !isOwn(name))
    .flatMap(({ name, found }) =>
      Object.entries(found.record.outputs).map(([output, artifact]) =>
        artifactParameter("result", `${name}.${output}`, artifact),
      ),
    );
  const inputs = [...settings, ...sources];
  const times = { startTime: moment(campaign.started), endTime: moment(campaign.finished) };
  const run: Entity = {
    "@id": local("campaign"),
    "@type": "CreateAction",
    name: `Campaign ${campaign.campaign}`,
    description: `Pipeline ${pipeline.name}, carried out by recist3d`,
    instrument: { "@id": sourceFile },
    ...times,
    actionStatus: completed,
    object: unique(inputs.map(({ workExample }) => workExample as Ref)),
    result: unique(results.map(({ workExample }) => workExample as Ref)),
  };
  const engine = engineOf(records);
  return {
    tools: [...tools.values()],
    steps,
    inputs,
    outputs: results,
    values,
    actions: [...actions.values()],
    controls,
    campaign: run,
    organization: {
      "@id": local("engine", "run"),
      "@type": "OrganizeAction",
      name: `recist3d carried out campaign ${campaign.campaign}`,
      instrument: ref(engine),
      ...times,
      object: refs(controls),
      result: ref(run),
    },
    engine,
    artifacts,
    examples,
  };
}

/** Names of the steps that have a record: the pipeline's own in its order, then pages of reports. */
function stepsInOrder(steps: Readonly<Record<string, string>>, { steps: compiled }: Lineage["pipeline"]): string[] {
  const own = compiled.map(({ name }) => name).filter((name) => Object.hasOwn(steps, name));
  return [
    ...own,
    ...Object.keys(steps)
      .filter((name) => !own.includes(name))
      .sort(),
  ];
}

function toolOf(record: ActionRecord): Entity {
  return {
    "@id": kindUrn(record),
    "@type": "SoftwareApplication",
    name: record.kind,
    description: `Step kind ${record.kind} of recist3d`,
    softwareVersion: String(record.kindVersion),
  };
}

function actionOf(
  id: string,
  step: string,
  { digest, record }: FoundAction,
  object: readonly Ref[],
  result: readonly Ref[],
): Entity {
  const { parts, fingerprint, machine } = record;
  const made = parts.length === 0 ? "" : `, put together from ${counted(parts.length, "part")}`;
  return {
    "@id": id,
    "@type": "CreateAction",
    name: `${record.kind} (step ${step})`,
    description: `Arithmetic ${fingerprint}; ${machine.platform}, node ${machine.node}${made}`,
    identifier: `sha256:${digest}`,
    instrument: ref(toolOf(record)),
    startTime: moment(record.started),
    endTime: moment(record.finished),
    actionStatus: completed,
    object: unique(object),
    result: unique(result),
  };
}

/** What finished the campaign: the code of its last action. */
function engineOf(records: readonly FoundAction[]): Entity {
  const finished = (one: FoundAction): number => Date.parse(one.record.finished);
  const last = records.reduce<FoundAction | null>((a, b) => (a === null || finished(b) > finished(a) ? b : a), null);
  const { version, commit, modified } = last?.record.code ?? { version: "unknown", commit: null, modified: null };
  const build = [commit, modified === true ? "modified" : null].filter((word) => word !== null);
  return {
    "@id": local("engine"),
    "@type": "SoftwareApplication",
    name: "recist3d",
    description: "3D lesion masks from RECIST marks, by durable, auditable campaigns",
    softwareVersion: build.length === 0 ? version : `${version}+${build.join(".")}`,
  };
}

function unique(references: readonly Ref[]): Ref[] {
  return [...new Map(references.map((reference) => [reference["@id"], reference])).values()];
}
