import type { z } from "zod";
import type { ArtifactType } from "../artifacts.ts";

/** An input of a step: which artifact it takes. */
export interface StepInputPort {
  readonly type: ArtifactType;
  readonly summary: string;
  readonly optional?: boolean;
  /** Takes several artifacts, each under a name of its own (`predictions: { HNN: hnn3d, WSSS: wsss3d }`). */
  readonly many?: boolean;
}

interface StepOutputPort {
  readonly type: ArtifactType;
  readonly summary: string;
}

/** What a step may be: everything that can be checked before anything runs. */
export interface StepKind<P extends z.ZodType = z.ZodType> {
  readonly kind: string;
  /** Part of every action key: raised when the same inputs would give other outputs than before. */
  readonly version: number;
  /** Which workers compute it. */
  readonly queue: "cpu" | "gpu";
  /**
   * Whose fingerprint enters the action key: plain arithmetic, the network backend's, or none: what people answered is
   * not asked again because a machine computes otherwise.
   */
  readonly numerics: "plain" | "network" | "none";
  /** One action, an action per shard of lesions and their gathering, or a workflow of its own. */
  readonly shape: "single" | "sharded" | "workflow";
  /** Leaves checkpoints from which an interrupted action goes on. */
  readonly checkpoints?: boolean;
  readonly summary: string;
  readonly params: P;
  /**
   * Parameters that are paths. They are made absolute when a pipeline is compiled and stay out of action keys, into which
   * the content that lies there goes instead.
   */
  readonly external: readonly string[];
  readonly inputs: Readonly<Record<string, StepInputPort>>;
  /** What is wrong with parameters and wired inputs together, e.g. that a parameter makes an optional input necessary; null if nothing is. */
  readonly checkInputs?: (params: Readonly<Record<string, unknown>>, given: ReadonlySet<string>) => string | null;
  /** The first output is what a step's bare name means in a wire. */
  readonly outputs: Readonly<Record<string, StepOutputPort>>;
}
