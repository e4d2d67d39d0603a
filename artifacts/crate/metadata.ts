import { sha256 } from "../digest.ts";
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
import { describeRun } from "./run.ts";

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
