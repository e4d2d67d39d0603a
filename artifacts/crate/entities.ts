import type { Manifest } from "../../schemas/artifacts.ts";
import { canonicalJson } from "../canonicalJson.ts";
import { manifestFile } from "../export.ts";
import type { Digest } from "../store.ts";
import { artifactFolder } from "./layout.ts";

/** An entity of an RO-Crate's `@graph`. */
export interface Entity {
  readonly "@id": string;
  readonly "@type": string | readonly string[];
  readonly [property: string]: unknown;
}

export interface Ref {
  readonly "@id": string;
}

export const ref = ({ "@id": id }: Ref): Ref => ({ "@id": id });
export const refs = (entities: readonly Ref[]): Ref[] => entities.map(ref);

/** `#a/b%20c`: the name of something that is no file. */
export const local = (...words: readonly (string | number)[]): string =>
  `#${words.map((word) => encodeURIComponent(word)).join("/")}`;

/** As the profiles write moments. */
export const moment = (time: string): string => time.replace(/Z$/, "+00:00");

/** How many of something. */
export const counted = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;

/**
 * An artifact. Where its files are in the crate it is their folder; else it has a name that leads nowhere.
 *
 * @returns the artifact first, then its files
 */
export function artifactEntities(digest: Digest, { type, meta, blobs }: Manifest, isInCrate: boolean): Entity[] {
  const id = artifactId(digest, isInCrate);
  const files = isInCrate
    ? [
        fileEntity(`${id}${manifestFile}`, {
          bytes: Buffer.byteLength(canonicalJson({ type, schemaVersion: 1, meta, blobs })),
          sha256: digest,
          encodingFormat: "application/json",
        }),
        ...blobs.map((blob) =>
          fileEntity(`${id}${blob.path}`, { bytes: blob.size, sha256: blob.digest, encodingFormat: blob.mediaType }),
        ),
      ]
    : [];
  const size = blobs.reduce((sum, blob) => sum + blob.size, 0);
  return [
    {
      "@id": id,
      "@type": "Dataset",
      name: `${type} ${digest.slice(0, 12)}`,
      description: `${counted(blobs.length, "file")}, ${size} bytes; ${isInCrate ? "in this crate" : "not in this crate, named by its digest"}`,
      additionalType: type,
      identifier: `sha256:${digest}`,
      sha256: digest,
      hasPart: refs(files),
    },
    ...files,
  ];
}

export const artifactId = (digest: Digest, isInCrate: boolean): string =>
  isInCrate ? `${artifactFolder(digest)}/` : local("artifact", digest);

export function fileEntity(
  path: string,
  { bytes, sha256, encodingFormat, ...more }: { bytes: number; sha256: string; encodingFormat: string; name?: string },
): Entity {
  return { "@id": path, "@type": "File", name: path, ...more, encodingFormat, contentSize: String(bytes), sha256 };
}

/** A parameter's value, and what it is called by the profile. */
export function valueEntity(id: string, name: string, value: unknown): Entity {
  const isPlain = value !== null && typeof value !== "object";
  return { "@id": id, "@type": "PropertyValue", name, value: isPlain ? value : canonicalJson(value) };
}

export function valueType(value: unknown): string {
  if (typeof value === "boolean") return "Boolean";
  if (typeof value === "number") return Number.isInteger(value) ? "Integer" : "Float";
  return typeof value === "string" ? "Text" : "PropertyValue";
}
