import { Niivue, SHOW_RENDER } from "@niivue/niivue";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CampaignResults } from "../../schemas/review.ts";
import { answered } from "./api.ts";
import { Notice } from "./shell.tsx";

/** In the order in which they are laid over each other. */
const LAYERS = ["image", "reference", "mask"] as const;

/** A lesion's crop with its mask over it, in three planes and in 3D; the wheel goes through slices, the right button windows. */
export default function Volumes({ campaign, volumes }: { campaign: string; volumes: CampaignResults["volumes"] }) {
  const [step, setStep] = useState(volumes[volumes.length - 1].step);
  const chosen = volumes.find((one) => one.step === step) ?? volumes[0];
  const [wanted, setWanted] = useState(chosen.lesions[0]);
  const lesion = chosen.lesions.includes(wanted) ? wanted : chosen.lesions[0];
  const [opacity, setOpacity] = useState(0.4);
  const [withReference, setWithReference] = useState(true);
  const [state, setState] = useState<{ lesion: string; error?: string; reference?: boolean }>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const viewer = useRef<Promise<Niivue> | undefined>(undefined);

  useEffect(() => {
    let isWanted = true;
    const shown = async (): Promise<void> => {
      viewer.current ??= opened(canvas.current!);
      const niivue = await viewer.current;
      const address = (layer: string): string =>
        `/api/campaigns/${encodeURIComponent(campaign)}/volumes/${encodeURIComponent(chosen.step)}/${encodeURIComponent(lesion)}/${layer}.nii.gz`;
      const loaded = await Promise.all(
        LAYERS.map((layer) =>
          answered(address(layer))
            .then((response) => response.arrayBuffer())
            .catch((error: Error) => {
              if (layer === "reference") return null; // many lesions have none
              throw error;
            }),
        ),
      );
      if (!isWanted) return;
      for (const volume of [...niivue.volumes]) niivue.removeVolume(volume);
      for (const [i, buffer] of loaded.entries())
        if (buffer !== null) await niivue.loadFromArrayBuffer(buffer, `${LAYERS[i]}.nii.gz`);
      const [image, ...overlays] = niivue.volumes;
      Object.assign(image, { cal_min: -160, cal_max: 240 });
      for (const overlay of overlays) Object.assign(overlay, { cal_min: 0.5, cal_max: 1 });
      const colours = overlays.length === 2 ? ["green", "red"] : ["red"];
      for (const [i, { id }] of overlays.entries()) niivue.setColormap(id, colours[i]);
      niivue.updateGLVolume();
      setState({ lesion, reference: overlays.length === 2 });
    };
    shown().catch((error: Error) => isWanted && setState({ lesion, error: error.message }));
    return () => {
      isWanted = false;
    };
  }, [campaign, chosen.step, lesion]);
  useEffect(() => {
    if (state?.lesion !== lesion || state.error !== undefined) return;
    void viewer.current?.then((niivue) => {
      const last = niivue.volumes.length - 1;
      for (let i = 1; i <= last; i++) niivue.setOpacity(i, i < last && !withReference ? 0 : opacity);
    });
  }, [state, lesion, opacity, withReference]);

  return (
    <div class="volumes" data-shown={state?.error === undefined ? state?.lesion : undefined}>
      <div class="controls">
        <label>
          Masks by
          <select value={chosen.step} onChange={(event) => setStep(event.currentTarget.value)}>
            {volumes.map(({ step, method }) => (
              <option key={step} value={step}>
                {step} ({method})
              </option>
            ))}
          </select>
        </label>
        <label>
          Lesion
          <select value={lesion} onChange={(event) => setWanted(event.currentTarget.value)}>
            {chosen.lesions.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
        <label>
          Opacity of the masks
          <input
            type="range"
            min="0"
            max="1"
            step="0.05"
            value={opacity}
            onInput={(event) => setOpacity(Number(event.currentTarget.value))}
          />
        </label>
        {state?.reference && (
          <label class="choice">
            <input type="checkbox" checked={withReference} onChange={(event) => setWithReference(event.currentTarget.checked)} />
            Reference under the mask
          </label>
        )}
        <p class="soft">
          Red: the mask{state?.reference && "; green: what of the reference it misses"}. The wheel goes through slices, dragging
          with the right button sets window and level.
        </p>
        {state?.error !== undefined && <Notice>{state.error}</Notice>}
      </div>
      <div class="stage">
        <canvas ref={canvas} aria-label={`CT crop of ${lesion} with its mask`} />
      </div>
    </div>
  );
}

async function opened(canvas: HTMLCanvasElement): Promise<Niivue> {
  const niivue = new Niivue({
    show3Dcrosshair: false,
    crosshairWidth: 1,
    crosshairColor: [1, 0.87, 0.2, 0.7],
    multiplanarShowRender: SHOW_RENDER.ALWAYS,
    backColor: [0, 0, 0, 1],
    logLevel: "error",
    isNearestInterpolation: false,
  });
  await niivue.attachToCanvas(canvas);
  niivue.setSliceType(niivue.sliceTypeMultiplanar);
  return niivue;
}
