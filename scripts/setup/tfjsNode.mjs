import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./command.mjs";
import { cached, root } from "./folders.mjs";
import { SetupError } from "./setupError.mjs";

/**
 * The native addon of @tensorflow/tfjs-node, made from package registries alone: libtensorflow comes out of the
 * tensorflow-cpu wheel on PyPI, and the addon's two C++ files, which the npm package ships, are compiled against it.
 */
export const tfjsNode = { name: "tfjs", isCached: true, isCurrent, build };

const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
const PYTHON_HINT = "Python 3 with pip is needed to fetch libtensorflow: apt-get install python3 python3-pip";
const COMPILER_HINT = "A C++17 compiler is needed: apt-get install g++ (or set CXX)";

const requirements = join(root, "tools/tensorflow/requirements.txt");
const unpackScript = join(root, "tools/tensorflow/unpack_wheel.py");
const packageFolder = join(root, "node_modules/@tensorflow/tfjs-node");
const stampPath = join(packageFolder, "deps/recist3d-stamp");

function isCurrent() {
  if (!existsSync(stampPath)) return false;
  const files = isSupported() ? [addonPath(), ...LIBRARIES.map(stagedLibrary)] : [];
  return readFileSync(stampPath, "utf8") === stamp() && files.every((file) => existsSync(file));
}

/** @param {(message: string) => void} say */
async function build(say) {
  if (!existsSync(join(packageFolder, "binding"))) {
    throw new SetupError(`${packageFolder} is not installed`, "Run npm run setup.");
  }
  if (isSupported()) {
    const tensorflow = await libtensorflow(say);
    const addon = await compiledAddon(tensorflow, say);
    stage(tensorflow, addon);
  }
  await smokeTest();
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(stampPath, stamp());
}

function isSupported() {
  return process.platform === "linux" && process.arch === "x64";
}

/** The newest Node-API version that both this Node and the package know; names the addon's folder. */
function napiVersion() {
  const known = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")).binary.napi_versions;
  return Math.max(...known.filter((version) => version <= Number(process.versions.napi)));
}

function addonPath() {
  return join(packageFolder, `lib/napi-v${napiVersion()}/tfjs_binding.node`);
}

function stagedLibrary(name) {
  return join(packageFolder, "deps/lib", name);
}

/** Changes with everything that the staged files are made from. */
function stamp() {
  const made = hashOf([requirements, unpackScript, fileURLToPath(import.meta.url), join(packageFolder, "package.json")]);
  return `${made} ${process.platform}-${process.arch} napi ${napiVersion()}`;
}

/** @returns {Promise<string>} a cached folder with `lib/` and `include/` */
async function libtensorflow(say) {
  const wheelHash = /sha256:([0-9a-f]{64})/.exec(readFileSync(requirements, "utf8"))?.[1];
  if (!wheelHash) throw new SetupError(`${requirements} pins no sha256`, "Restore it: git checkout tools/tensorflow");
  return cached(`libtensorflow-${wheelHash.slice(0, 16)}-${hashOf([unpackScript]).slice(0, 8)}`, async (work) => {
    say("downloading libtensorflow (a wheel of 207 MB)");
    const platform = ["--only-binary=:all:", "--python-version=311", "--implementation=cp", "--abi=cp311"];
    platform.push("--platform=manylinux_2_17_x86_64", "--platform=manylinux2014_x86_64");
    const download = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-cache-dir"];
    const pip = [...download, "--require-hashes", ...platform, "--dest", work, "--requirement", requirements];
    await run("python3", pip, { install: PYTHON_HINT });
    const unpacked = join(work, "unpacked");
    const [wheel] = readdirSync(work).filter((name) => name.endsWith(".whl"));
    await run("python3", [unpackScript, join(work, wheel), unpacked], { install: PYTHON_HINT });
    for (const library of LIBRARIES) {
      // The linker looks for lib<name>.so.
      symlinkSync(library, join(unpacked, "lib", library.replace(/\.2$/, "")));
    }
    return unpacked;
  });
}

/** @returns {Promise<string>} the cached addon for this package version, libtensorflow and Node-API version */
async function compiledAddon(tensorflow, say) {
  const folder = await cached(`tfjs-binding-${stamp().slice(0, 16)}`, async (work) => {
    say("compiling the addon of tfjs-node");
    const include = join(tensorflow, "include");
    const includes = [await nodeHeaders(), include, join(include, "external/local_tsl"), join(include, "external/local_xla")];
    const flags = [
      "-std=c++17",
      "-O2",
      "-fPIC",
      "-shared",
      "-s",
      `-DNAPI_VERSION=${napiVersion()}`,
      ...includes.map((path) => `-I${path}`),
    ];
    const sources = ["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(packageFolder, "binding", name));
    const link = [`-L${tensorflow}/lib`, "-Wl,-rpath,$ORIGIN/../../deps/lib", "-ltensorflow_cc", "-ltensorflow_framework"];
    const output = join(work, "made/tfjs_binding.node");
    mkdirSync(dirname(output));
    await run(process.env.CXX || "g++", [...flags, ...sources, "-o", output, ...link], { install: COMPILER_HINT });
    return dirname(output);
  });
  return join(folder, "tfjs_binding.node");
}

/** The folder of node_api.h: this Node's own, else the npm package of the (ABI-stable) headers. */
async function nodeHeaders() {
  const prefixes = [process.env.npm_config_nodedir, process.config.variables.node_prefix, dirname(dirname(process.execPath))];
  const own = prefixes.flatMap((prefix) => (prefix ? [join(prefix, "include/node")] : []));
  const found = own.find((folder) => existsSync(join(folder, "node_api.h")));
  if (found) return found;

  const folder = await cached("node-api-headers-1.5.0", async (work) => {
    await run("npm", ["install", "--ignore-scripts", "--prefix", work, "node-api-headers@1.5.0"], {
      cwd: work,
      install: "Node's own headers serve too: set npm_config_nodedir to Node's prefix.",
    });
    return join(work, "node_modules/node-api-headers");
  });
  return join(folder, "include");
}

function stage(tensorflow, addon) {
  for (const library of LIBRARIES) place(join(tensorflow, "lib", library), stagedLibrary(library));
  place(addon, addonPath());
}

/** Hard-links a cached file to where it is looked for; copies it where the cache is on another file system. */
function place(cached, path) {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  try {
    linkSync(cached, path);
  } catch {
    copyFileSync(cached, path);
  }
}

/** Runs a convolution and its gradient through the native kernels in a process of its own. */
async function smokeTest() {
  const script = `
    const tf = require(${JSON.stringify(packageFolder)});
    if (tf.getBackend() !== "tensorflow") throw new Error("the backend is " + tf.getBackend());
    const kernelSum = (x) => tf.conv2d(x, tf.ones([3, 3, 1, 2]), 1, "same").sum();
    const gradient = tf.grad(kernelSum)(tf.ones([1, 4, 4, 1])).dataSync();
    if (gradient[5] !== 18) throw new Error("the gradient of a convolution is " + gradient[5] + ", not 18");`;
  const elsewhere = "On other platforms than Linux x86-64 run: npm rebuild --ignore-scripts=false @tensorflow/tfjs-node";
  await run(process.execPath, ["-e", script], {
    env: { TF_CPP_MIN_LOG_LEVEL: "2" },
    install: isSupported() ? "tfjs-node was built but does not work here; remove the cache folder and try again." : elsewhere,
  });
}

function hashOf(files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest("hex");
}
