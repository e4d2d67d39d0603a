/**
 * Task queues by need: cpu workers also carry the workflows; a gpu worker does one action at a time. Questions about the
 * gpu workers' arithmetic have a queue of their own, so that a campaign is planned while another one trains.
 */
export const taskQueues = { cpu: "recist3d-cpu", gpu: "recist3d-gpu" } as const;
export type Queue = keyof typeof taskQueues;

/** Answered by gpu workers beside whatever they compute. */
export const numericsQueue = "recist3d-gpu-numerics";
