import type { CampaignResults } from "../../schemas/review.ts";

type Epoch = CampaignResults["curves"][number]["epochs"][number];

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [420, 190, 46, 24, 10];

/** Loss by epoch: training as a full line, validation dashed. */
export function CurveFigure({ title, epochs }: { title: string; epochs: readonly Epoch[] }) {
  const values = epochs.flatMap(({ training, validation }) => (validation === null ? [training] : [training, validation]));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [epochs[0].epoch, epochs[epochs.length - 1].epoch];
  const x = (epoch: number): number => LEFT + ((epoch - first) / Math.max(1, last - first)) * (WIDTH - LEFT - 8);
  const y = (loss: number): number => TOP + ((high - loss) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const line = (points: readonly (readonly [number, number])[]): string =>
    points.map(([epoch, loss], i) => `${i === 0 ? "M" : "L"}${x(epoch).toFixed(1)} ${y(loss).toFixed(1)}`).join("");
  const validated = epochs.flatMap(({ epoch, validation }) => (validation === null ? [] : [[epoch, validation] as const]));
  const words = `${title}: training loss ${epochs[0].training.toPrecision(3)} in epoch ${first}, ${epochs[epochs.length - 1].training.toPrecision(3)} in epoch ${last}`;
  return (
    <figure class="curve">
      <figcaption>
        <strong>{title}</strong>{" "}
        <span class="soft">
          loss by epoch, training{validated.length > 0 && " and validation (dashed)"}:{" "}
          {epochs[epochs.length - 1].training.toPrecision(3)}
          {validated.length > 0 && `, ${validated[validated.length - 1][1].toPrecision(3)}`}
        </span>
      </figcaption>
      <svg role="img" aria-label={words} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT}>
        <path class="axis" d={`M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 8}`} />
        {[low, high].map((loss) => (
          <text key={loss} x={LEFT - 6} y={y(loss) + 4} text-anchor="end">
            {loss.toPrecision(2)}
          </text>
        ))}
        {[first, last].map((epoch) => (
          <text key={epoch} x={x(epoch)} y={HEIGHT - 6} text-anchor="middle">
            {epoch}
          </text>
        ))}
        <path class="training" d={line(epochs.map(({ epoch, training }) => [epoch, training]))} />
        {validated.length > 0 && <path class="validation" d={line(validated)} />}
      </svg>
    </figure>
  );
}
