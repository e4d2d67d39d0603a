import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { asDigest } from "../../artifacts/digest.ts";
import { blobOf, getManifest, readFile } from "../../artifacts/manifest.ts";
import type { Digest, Store } from "../../artifacts/store.ts";
import { decodeSafetensors, type Tensor } from "../../methods/networks/safetensors.ts";
import { rememberLast } from "../../methods/rememberLast.ts";
import { type Case, type CasesMeta, caseSchema, casesMetaSchema } from "../../schemas/cases.ts";
import type { ShownCases } from "../../schemas/review.ts";
import { NotFoundError } from "./notFound.ts";

const compressed = promisify(gzip);
/** Files of pictures that are kept in memory: a grid asks for many pictures of one file, one by one. */
const KEPT_FILES = 12;
const KEPT_CASES = 8;

/** Pixels as they travel: row-major, little endian, compressed by gzip. */
export interface Pixels {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly gzipped: Buffer;
}

/** Pictures of `cases` artifacts, found by the number of the case and of the picture. */
export class Pictures {
  readonly #store: Store;
  readonly #cases: (digest: Digest) => Promise<{ meta: CasesMeta; cases: Case[]; fileOf: (path: string) => Digest }>;
  readonly #file: (digest: Digest) => Promise<Readonly<Record<string, Tensor>>>;

  constructor(store: Store) {
    this.#store = store;
    this.#cases = rememberLast(KEPT_CASES, String, (digest: Digest) => this.#read(digest));
    this.#file = rememberLast(
      KEPT_FILES,
      String,
      async (digest: Digest) => decodeSafetensors(await this.#store.getBlob(digest), `blob ${digest}`).tensors,
    );
  }

  /** What pages may know of the cases: see `shownCaseSchema`. @throws NotFoundError where there are no such cases. */
  async shown(digest: Digest): Promise<ShownCases> {
    const { meta, cases } = await this.#cases(digest);
    const blind = meta.sealed !== undefined;
    return {
      title: meta.title,
      blind,
      cases: cases.map(({ id, group, images, masks, marks, facts }) => ({
        id: blind ? null : id,
        group: blind ? null : group,
        images: images.map(({ file: _file, tensor: _tensor, ...shown }) => shown),
        masks: masks.map(({ name }) => ({ name })),
        marks,
        facts,
      })),
    };
  }

  /** One case. @throws NotFoundError */
  async case(digest: Digest, index: number): Promise<Case> {
    const { cases } = await this.#cases(digest);
    if (cases[index] === undefined) throw new NotFoundError(`these cases are numbered from 0 to ${cases.length - 1}`);
    return cases[index];
  }

  /** Tensor of a picture or mask. @throws NotFoundError where the case has no such picture. */
  async tensor(digest: Digest, index: number, layer: "images" | "masks", number: number): Promise<Tensor> {
    const layers = (await this.case(digest, index))[layer];
    const place = layers[number];
    if (place === undefined) throw new NotFoundError(`this case has ${layers.length} ${layer}`);
    const tensors = await this.#file((await this.#cases(digest)).fileOf(place.file));
    const tensor = tensors[place.tensor];
    if (tensor === undefined) throw new NotFoundError(`these cases are damaged: a picture of case ${index} is missing`);
    return tensor;
  }

  /** @throws NotFoundError where the case has no such picture. */
  async pixels(digest: Digest, index: number, layer: "images" | "masks", number: number): Promise<Pixels> {
    const { dtype, shape, data } = await this.tensor(digest, index, layer, number);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    return { dtype, shape, gzipped: (await compressed(bytes, { level: 1 })) as Buffer };
  }

  async #read(digest: Digest) {
    if (!(await this.#store.hasBlob(digest))) throw new NotFoundError("the store has no such cases");
    const manifest = await getManifest(this.#store, digest);
    if (manifest.type !== "cases") throw new NotFoundError("the store has no such cases");
    const lines = (await readFile(this.#store, manifest, "cases.jsonl")).toString("utf8").split("\n").filter(Boolean);
    return {
      meta: casesMetaSchema.parse(manifest.meta),
      cases: lines.map((line) => caseSchema.parse(JSON.parse(line))),
      fileOf: (path: string) => asDigest(blobOf(manifest, path)),
    };
  }
}
