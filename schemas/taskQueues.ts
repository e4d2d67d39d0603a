/** Task queues by need: cpu workers also carry the workflows; a gpu worker does one action at a time. */
export const taskQueues = { cpu: "recist3d-cpu", gpu: "recist3d-gpu" } as const;
export type Queue = keyof typeof taskQueues;
