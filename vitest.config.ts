import { defineConfig } from "vitest/config";

/** Rooms of pure functions: their files can share a process, so that what they import is loaded once. */
const pure = "test/{imaging,labels,metrics,datasets,report,response,schemas,pipelines}/**/*.test.ts";
const slow = "test/**/*.slow.test.ts";

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    globalSetup: ["test/programs.ts"],
    setupFiles: ["test/propertySeed.ts"],
    reporters: ["default", "./test/skippedReporter.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "pure",
          include: [pure],
          exclude: [slow],
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [pure, slow],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "slow",
          include: [slow],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
