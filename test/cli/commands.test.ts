import { readdirSync } from "node:fs";
import { Command } from "commander";
import { expect, test } from "vitest";

const folder = new URL("../../cli/commands/", import.meta.url);

/** A command, or those below it where it is only their common name. */
const carriedOut = (command: Command): readonly Command[] =>
  command.commands.length > 0 ? command.commands.flatMap(carriedOut) : [command];
const nameOf = (command: Command): string => `${command.parent?.parent ? `${command.parent.name()} ` : ""}${command.name()}`;

test("every command takes --json", async () => {
  const program = new Command();
  for (const file of readdirSync(folder)) (await import(new URL(file, folder).href)).register(program);
  const all = program.commands.flatMap(carriedOut);
  const names = all.map((command) => nameOf(command));
  expect(names).toEqual(
    expect.arrayContaining(["reproduce", "export artifact", "export crate", "verify campaign", "verify crate"]),
  );
  expect(all.filter(({ options }) => options.some(({ long }) => long === "--json")).map(nameOf)).toEqual(names);
}, 60_000);
