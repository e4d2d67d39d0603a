import type { Store } from "../artifacts/store.ts";
import { sliceOf } from "../methods/imaging/volume.ts";
import { roiOfMarks, trimapOfMarks } from "../methods/labels/trimap.ts";
import { type GalleryChoice, galleryPanels } from "../report/gallery.ts";
import type { ReportInput } from "../report/reportInput.ts";
import { type Dataset, type LesionImage, readShard } from "./datasets.ts";
import { type Predictions, readPredictedMask } from "./predictions.ts";

type Picture = NonNullable<ReportInput["gallery"]>[number];

/** Draws chosen lesions; only the shards that hold one are read, one at a time. */
export class GalleryPainter {
  readonly #store: Store;
  readonly #datasets: readonly Dataset[];
  readonly #shards = new Map<string, LesionImage[]>();

  constructor(store: Store, datasets: readonly Dataset[]) {
    this.#store = store;
    this.#datasets = datasets;
  }

  /** Null where no data set of the report holds the lesion. */
  async paint(choice: GalleryChoice, predictions: Predictions): Promise<Picture | null> {
    const found = await this.#read(choice.lesion);
    if (found === null) return null;
    const { lesion, image, reference } = found;
    const mask = await readPredictedMask(this.#store, predictions, lesion.id);
    const slice = sliceOf(image, lesion.slice);
    const panels = galleryPanels({
      image: slice,
      window: lesion.window,
      marks: lesion,
      trimap: fullTrimap(lesion, slice.width, slice.height),
      prediction: sliceOf(mask, lesion.slice),
      reference: reference === undefined ? undefined : sliceOf(reference, lesion.slice),
    });
    const pictures = panels.map(({ label, png }) => ({ label, png: Buffer.from(png).toString("base64") }));
    return { lesion: lesion.id, category: lesion.category, dice: choice.dice, title: choice.title, panels: pictures };
  }

  async #read(id: string): Promise<LesionImage | null> {
    for (const dataset of this.#datasets) {
      const lesion = dataset.lesions.find((one) => one.id === id);
      if (lesion === undefined) continue;
      const key = `${dataset.digest}/${lesion.shard}`;
      if (!this.#shards.has(key)) {
        this.#shards.clear();
        this.#shards.set(key, await readShard(this.#store, dataset, lesion.shard));
      }
      return this.#shards.get(key)!.find((one) => one.lesion.id === id)!;
    }
    return null;
  }
}

function fullTrimap(marks: LesionImage["lesion"], width: number, height: number) {
  const { x0, y0, x1, y1 } = roiOfMarks(marks, width, height);
  const moved = (axis: typeof marks.long): [[number, number], [number, number]] => [
    [axis[0][0] - x0, axis[0][1] - y0],
    [axis[1][0] - x0, axis[1][1] - y0],
  ];
  const roi = trimapOfMarks({ long: moved(marks.long), short: moved(marks.short) }, x1 - x0, y1 - y0);
  const data = new Uint8Array(width * height);
  for (let y = y0; y < y1; y++) data.set(roi.data.subarray((y - y0) * roi.width, (y - y0 + 1) * roi.width), y * width + x0);
  return { data, width, height };
}
