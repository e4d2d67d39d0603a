import { rememberLast } from "../../rememberLast.ts";
import { type LesionShapes, openLesionShapes, shapeFiles } from "../lesionShapes.ts";
import { type Background, listBackgrounds, readBackground } from "./background.ts";

/** What lesions are made of. */
export interface Material {
  readonly shapes: LesionShapes;
  readonly backgrounds: readonly Background[];
}

/** Shapes and backgrounds, listed; the backgrounds are read when they are first asked for. `files` names all of them. */
export async function openMaterial(folders: { readonly shapes: string; readonly backgrounds: string }): Promise<{
  readonly shapes: LesionShapes;
  readonly files: readonly string[];
  backgrounds(): Promise<Background[]>;
}> {
  const shapes = await openLesionShapes(folders.shapes);
  const listed = await listBackgrounds(folders.backgrounds);
  const backgroundFiles = listed.flatMap(({ image, forbidden }) => [image, ...forbidden]);
  const files = [...shapeFiles.map((file) => `shapes/${file}`), ...backgroundFiles.map((file) => `backgrounds/${file}`)];
  const readAll = async (): Promise<Background[]> => {
    const read: Background[] = [];
    for (const background of listed) read.push(await readBackground(folders.backgrounds, background));
    return read;
  };
  return { shapes, files, backgrounds: rememberLast(1, () => "all", readAll) };
}
