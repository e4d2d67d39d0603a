// Which folder may import which: arrows go one way (docs/architecture.md). `npm run lint` and test/architecture check it.
const ROOMS = "^(methods|schemas|artifacts|report|workflows|activities|worker|pipelines|engine|client|review|cli)/";

/** The kind of error that means that the input is wrong; any folder may throw it. */
const INPUT_ERROR = "methods/inputError.ts";

/** Rules that let files below `from` import, of our own code, nothing but `values`, and of `types` nothing but types. */
function only(from, values, types, comment) {
  const everything = [`${from}/`, INPUT_ERROR, ...values, ...types].map((place) => `^${place}`);
  const typesOnly = types.map((place) => `^${place}`);
  const rule = {
    name: `${from}-imports`,
    severity: "error",
    comment,
    from: { path: `^${from}/` },
    to: { path: ROOMS, pathNot: everything },
  };
  if (types.length === 0) return [rule];
  return [rule, { ...rule, name: `${from}-imports-types-only`, to: { path: typesOnly, dependencyTypesNot: ["type-only"] } }];
}

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...only("methods", [], [], "The science knows nothing of engines, stores or artifacts."),
    ...only("schemas", [], [], "What is allowed depends on nothing."),
    ...only("artifacts", ["schemas/"], [], "The store knows the shapes of documents, not what is computed."),
    ...only("report", ["schemas/", "methods/"], [], "A report is made from values that it is given."),
    ...only("pipelines", ["schemas/", "artifacts/"], [], "A plan follows from the pipeline and the records."),
    ...only(
      "workflows",
      ["schemas/"],
      ["activities/"],
      "Workflow code is replayed; an activity that it imported would run inside it.",
    ),
    ...only(
      "activities",
      ["methods/", "schemas/", "artifacts/", "pipelines/", "report/"],
      ["worker/"],
      "An activity reads, calls a method, writes.",
    ),
    ...only("client", ["schemas/"], [], "What campaigns and readings are asked and told, from outside; it starts no engine."),
    ...only(
      "review",
      ["schemas/", "artifacts/", "client/", "methods/", "report/"],
      [],
      "Pages show what is stored and send messages to workflows; they compute nothing that counts.",
    ),
    {
      name: "pages-run-in-a-browser",
      severity: "error",
      comment: "What a browser loads knows the server's answers (schemas) and draws; it has no Node, no store and no engine.",
      from: { path: "^review/pages/" },
      to: { path: "^(review/(?!pages/)|artifacts/|client/|node_modules/(@temporalio|hono|@hono)/)" },
    },
    {
      name: "pages-without-node",
      severity: "error",
      comment: "Node's own modules do not exist in a browser.",
      from: { path: "^review/pages/" },
      to: { dependencyTypes: ["core"] },
    },
    ...only("engine", ["schemas/", "artifacts/"], [], "What campaigns run on knows addresses and processes, not campaigns."),
    ...only(
      "worker",
      ["activities/", "artifacts/", "engine/", "methods/", "schemas/"],
      [],
      "A worker carries out; it starts nothing.",
    ),
    {
      name: "workflows-sandbox",
      severity: "error",
      comment: "Workflow code is replayed: nothing but the engine's own packages and zod may have a say in it.",
      from: { path: "^(workflows|schemas)/" },
      to: { path: "^node_modules/", pathNot: "^node_modules/(@temporalio/(workflow|common)|zod)/" },
    },
    {
      name: "workflows-without-node",
      severity: "error",
      comment: "Node's own modules do not exist in Temporal's sandbox.",
      from: { path: "^workflows/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "cli-starts-workflows-by-name",
      severity: "error",
      comment: "A client names workflows and knows their messages from schemas; their code belongs to the worker.",
      from: { path: "^(cli|client|review)/" },
      to: { path: "^workflows/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "one-seam-to-tensorflow",
      severity: "error",
      comment: "The backend is chosen in one place.",
      from: { pathNot: "^methods/networks/" },
      to: { path: "^node_modules/@tensorflow/" },
    },
    {
      name: "methods-without-engine",
      severity: "error",
      comment: "Methods can be used without an engine or a store.",
      from: { path: "^(methods|artifacts|report|pipelines)/" },
      to: { path: "^node_modules/@temporalio/" },
    },
    {
      name: "no-test-code",
      severity: "error",
      from: { path: ROOMS },
      to: { path: "^(test|bench)/" },
    },
    {
      name: "no-circular",
      severity: "error",
      comment: "Two files that need each other are one file, or three.",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "declared-packages",
      severity: "error",
      from: { path: ROOMS },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "^node_modules" },
    exclude: { path: "^(\\.bin|\\.build|coverage)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".tsx", ".mjs", ".js", ".d.ts"],
    },
  },
};
