import { readdirSync } from "node:fs";
import { Command } from "commander";
import { expect, test } from "vitest";

const folder = new URL("../../cli/commands/", import.meta.url);

test("every command takes --json", async () => {
  const program = new Command();
  for (const file of readdirSync(folder)) (await import(new URL(file, folder).href)).register(program);
  const names = program.commands.map((command) => command.name());
  expect(names).toContain("reproduce");
  expect(program.commands.filter(({ options }) => options.some(({ long }) => long === "--json")).map((c) => c.name())).toEqual(
    names,
  );
}, 60_000);
