import type { ActionRecord } from "../../schemas/records.ts";
import { sha256 } from "../digest.ts";
import type { FoundAction } from "../records.ts";
import type { Digest } from "../store.ts";
import {
  artifactEntities,
  artifactId,
  counted,
  type Entity,
  fileEntity,
  local,
  moment,
  type Ref,
  ref,
  refs,
  valueEntity,
  valueType,
} from "./entities.ts";
import {
  attestationsFile,
  campaignFile,
  manifestsFile,
  metadataFile,
  pipelineFile,
  publicKeyFile,
  readmeFile,
  recordsFile,
  sourceFile,
} from "./layout.ts";
import type { Lineage } from "./lineage.ts";
import { kindUrn } from "./statement.ts";

/** RO-Crate 1.1 and the Provenance Run Crate profile with those that it builds upon. */
const crateVersion = "https://w3id.org/ro/crate/1.1";
const workflowCrate = "https://w3id.org/workflowhub/workflow-ro-crate/1.0";
const profiles = [
  ["https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"],
  ["https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"],
  ["https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"],
  [workflowCrate, "Workflow RO-Crate", "1.0"],
] as const;
const linesFormat = "application/jsonl";
const completed = "http://schema.org/CompletedActionStatus";

/**
 * `ro-crate-metadata.json`: the campaign as programs know workflow runs. It says what the records say; parts of sharded
 * steps are in `records.jsonl` alone.
 *
 * @param files bytes of the crate's files that the metadata describes @param inCrate artifacts whose files are in the crate
 */
export function crateMetadata(lineage: Lineage, files: ReadonlyMap<string, Buffer>, inCrate: ReadonlySet<Digest>): string {
  const { campaign, manifests } = lineage;
  const artifactRef = (digest: string): Ref => ({ "@id": artifactId(digest as Digest, inCrate.has(digest as Digest)) });
  const run = describeRun(lineage, artifactRef);

  const file = (path: string, name: string, encodingFormat: string): Entity => {
    const bytes = files.get(path)!;
    return fileEntity(path, { name, bytes: bytes.length, sha256: sha256(bytes), encodingFormat });
  };
  const language: Entity = {
    "@id": local("language"),
    "@type": "ComputerLanguage",
    name: "recist3d pipeline",
    description: "A DAG of typed steps in YAML; pipeline.json is what it was compiled to",
  };
  const workflow: Entity = {
    ...file(sourceFile, `Pipeline ${lineage.pipeline.name}`, "application/yaml"),
    "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
    conformsTo: { "@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE" },
    version: `sha256:${campaign.source}`,
    programmingLanguage: ref(language),
    input: refs(run.inputs),
    output: refs(run.outputs),
    step: refs(run.steps),
    hasPart: refs(run.tools),
  };
  const described = [
    workflow,
    file(pipelineFile, "The pipeline as it was run: parameters filled in, steps multiplied", "application/json"),
    { ...file(readmeFile, "What this folder holds, and how it is checked", "text/markdown"), about: { "@id": "./" } },
    file(campaignFile, "The campaign's record: which records answer its steps", "application/json"),
    file(recordsFile, "Records of all actions; the SHA-256 of a line is the record's digest", linesFormat),
    file(manifestsFile, "Manifests of all artifacts; the SHA-256 of a line is the artifact's digest", linesFormat),
  ];
  // Their bytes follow from this file, so it cannot hold their digests.
  const signed: Entity[] = [
    { "@id": attestationsFile, "@type": "File", name: "in-toto statements in DSSE envelopes", encodingFormat: linesFormat },
    {
      "@id": publicKeyFile,
      "@type": "File",
      name: "Public key of who signed",
      encodingFormat: "application/x-pem-file",
    },
  ];
  const met = [...manifests].filter(([digest]) => inCrate.has(digest) || run.artifacts.has(digest));
  const artifacts = met.map(([digest, manifest]) => artifactEntities(digest, manifest, inCrate.has(digest)));
  const actions = [run.campaign, run.organization, ...run.actions];
  const licence: Entity = {
    "@id": local("licence"),
    "@type": "CreativeWork",
    name: "No licence is stated",
    description: "recist3d does not know under which terms this campaign's data may be used: ask who gave you the crate",
  };
  const root: Entity = {
    "@id": "./",
    "@type": "Dataset",
    name: `Campaign ${campaign.campaign}`,
    description: `What campaign ${campaign.campaign} of recist3d ran and what it gave: ${counted(run.steps.length, "step")}, ${counted(lineage.records.length, "record")}, ${counted(manifests.size, "artifact")}, of which ${inCrate.size} with their files`,
    datePublished: moment(campaign.finished),
    license: ref(licence),
    conformsTo: profiles.map(([id]) => ({ "@id": id })),
    mainEntity: ref(workflow),
    hasPart: refs([
      ...described,
      ...signed,
      ...artifacts.map(([artifact]) => artifact).filter(({ "@id": id }) => !id.startsWith("#")),
    ]),
    mentions: refs(actions),
  };
  const descriptor: Entity = {
    "@id": metadataFile,
    "@type": "CreativeWork",
    about: ref(root),
    conformsTo: [{ "@id": crateVersion }, { "@id": workflowCrate }],
  };
  const graph = [
    descriptor,
    root,
    licence,
    ...profiles.map(([id, name, version]): Entity => ({ "@id": id, "@type": "CreativeWork", name, version })),
    ...described,
    ...signed,
    language,
    ...run.tools,
    ...run.steps,
    ...run.inputs,
    ...run.outputs,
    ...actions,
    ...run.controls,
    run.engine,
    ...run.values,
    ...artifacts.flat().map((entity) => withExamples(entity, run.examples)),
  ];
  const context = [`${crateVersion}/context`, "https://w3id.org/ro/terms/workflow-run/context"];
  return `${JSON.stringify({ "@context": context, "@graph": graph.map(compact) }, null, 2)}\n`;
}

/** As RO-Crates write it: a list of one is the one, of none is nothing. */
function compact(entity: Entity): object {
  const fields = Object.entries(entity).filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return Object.fromEntries(fields.map(([name, value]) => [name, Array.isArray(value) && value.length === 1 ? value[0] : value]));
}

/** Marks an artifact as an example of the workflow's inputs and outputs that it was. */
function withExamples(entity: Entity, examples: ReadonlyMap<string, readonly Ref[]>): Entity {
  const of = examples.get(entity["@id"]);
  return of === undefined ? entity : { ...entity, exampleOfWork: of };
}

interface Run {
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
function describeRun({ campaign, pipeline, records }: Lineage, artifactRef: (digest: string) => Ref): Run {
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
  const last = records.reduce((a, b) => (b.record.finished > a.record.finished ? b : a));
  const { version, commit, modified } = last.record.code;
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
