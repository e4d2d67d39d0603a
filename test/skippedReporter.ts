import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";

/** Lists what was not run, and why, below the summary: a skipped test must not look like a passed one. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => skippedBelow(module).map((line) => `  ${module.relativeModuleId} > ${line}`));
    if (skipped.length === 0) return;
    console.log(`\nNot run (${skipped.length}):\n${skipped.join("\n")}`);
  }
}

/** A suite that was skipped as a whole takes one line. */
function skippedBelow(parent: TestModule | TestSuite): string[] {
  return [...parent.children].flatMap((child): string[] => {
    if (child.type === "suite") {
      const tests = [...child.children.allTests()];
      const isWhole = tests.length > 0 && tests.every(isSkipped) && child.options.mode === "skip";
      return isWhole ? [`${child.fullName} (${tests.length} tests)`] : skippedBelow(child);
    }
    if (!isSkipped(child)) return [];
    const { note } = child.result() as { note?: string };
    return [note === undefined ? child.fullName : `${child.fullName}: ${note}`];
  });
}

function isSkipped(test: TestCase): boolean {
  return test.result().state === "skipped";
}
