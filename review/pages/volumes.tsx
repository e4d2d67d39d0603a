import { Niivue, SHOW_RENDER } from "@niivue/niivue";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CampaignResults } from "../../schemas/review.ts";
import { answered } from "./api.ts";
import { Notice } from "./shell.tsx";

const LAYERS = ["image", "mask", "reference"] as const;

/** A lesion's crop with its mask over it, in three planes and in 3D; the wheel goes through slices, the right button windows. */
export default function Volumes({ campaign, volumes }: { campaign: string; volumes: CampaignResults["volumes"] }) {
  const [step, setStep] = useState(volumes[volumes.length - 1].step);
  const chosen = volumes.find((one) => one.step === step) ?? volumes[0];
  const [wanted, setWanted] = useState(chosen.lesions[0]);
  const lesion = chosen.lesions.includes(wanted) ? wanted : chosen.lesions[0];
  const [opacity, setOpacity] = useState(0.4);
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
      const [image, mask, reference] = niivue.volumes;
      Object.assign(image, { cal_min: -160, cal_max: 240 });
      niivue.setColormap(mask.id, "red");
      if (reference !== undefined) niivue.setColormap(reference.id, "green");
      for (const overlay of [mask, reference]) if (overlay !== undefined) Object.assign(overlay, { cal_min: 0.5, cal_max: 1 });
      niivue.updateGLVolume();
      setState({ lesion, reference: reference !== undefined });
    };
    shown().catch((error: Error) => isWanted && setState({ lesion, error: error.message }));
    return () => {
      isWanted = false;
    };
  }, [campaign, chosen.step, lesion]);
  useEffect(() => {
    if (state?.lesion !== lesion || state.error !== undefined) return;
    void viewer.current?.then((niivue) => {
      for (let i = 1; i < niivue.volumes.length; i++) niivue.setOpacity(i, opacity);
    });
  }, [state, lesion, opacity]);

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
        <p class="soft">
          Red: the mask{state?.reference && "; green: the reference"}. The wheel goes through slices, dragging with the right
          button sets window and level.
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
    show3Dcrosshair: true,
    multiplanarShowRender: SHOW_RENDER.ALWAYS,
    backColor: [0, 0, 0, 1],
    logLevel: "error",
    isNearestInterpolation: false,
  });
  await niivue.attachToCanvas(canvas);
  niivue.setSliceType(niivue.sliceTypeMultiplanar);
  return niivue;
}
