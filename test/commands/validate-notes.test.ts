import fc from "fast-check";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { type GeneratedNote, NOTE_GRAPH, textOfNote } from "../helpers/note-graph.ts";
import { tempDir } from "../helpers/temp-dir.ts";

describe("aexp validate on a generated graph of notes", () => {
  it("finds nothing in a sound one, and writes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(NOTE_GRAPH, async (notes) => {
        const root = writeGraph(notes);
        expect(await issuesIn(root)).toEqual([]);
        expect(await issuesIn(root, "--fix")).toEqual([]);
        expect(readGraph(root, notes)).toEqual(notes.map(textOfNote));
      }),
      { numRuns: 40 },
    );
  });

  it("misses exactly the link or the alias that is left out, and --fix puts back only that", async () => {
    await fc.assert(
      fc.asyncProperty(NOTE_GRAPH, fc.nat(), fc.nat(), async (notes, chosenNote, chosenPart) => {
        const note = notes[chosenNote % Math.max(1, notes.length)];
        fc.pre(note !== undefined);
        const damage = damaged(note, chosenPart % (note.links.length + 1));
        const root = writeGraph(notes.map((other) => (other === note ? damage.note : other)));
        const before = textOfNote(damage.note);

        expect(await issuesIn(root)).toEqual([`${damage.code} ${note.path}`]);
        expect(await issuesIn(root, "--fix")).toEqual([]);

        const after = readFileSync(join(root, note.path), "utf8");
        expect(replacedIn(before, after)).toEqual({ old: "", new: expect.stringContaining(damage.missing) });
        const others = notes.filter((other) => other !== note);
        expect(readGraph(root, others)).toEqual(others.map(textOfNote));
      }),
      { numRuns: 60 },
    );
  });
});

describe("aexp validate --fix", () => {
  it("says what it added, and then what is left", async () => {
    const root = writeFiles({
      "kb/research/threads/T001-speed.md": thread("T001", { links: undefined }),
      "kb/research/hypotheses/H001-faster.md": hypothesis("H001", { status: "testng", alias: "faster", links: [] }),
    });

    expect((await runCli(root, ["validate", "--fix"])).stdout).toMatchInlineSnapshot(`
      "fixed kb.required_link kb/research/hypotheses/H001-faster.md: added [[T001]]
      fixed kb.missing_alias kb/research/hypotheses/H001-faster.md: added H001
      fixed kb.missing_links_section kb/research/threads/T001-speed.md: added ## Links
      fixed kb.missing_backlink kb/research/threads/T001-speed.md: added [[H001]]
      warning kb.vocabulary kb/research/hypotheses/H001-faster.md:3 status is "testng"; expected one of PROPOSED, TESTING, CONFIRMED, REJECTED. Did you mean "TESTING"?
      0 errors, 1 warning (0 runs, 0 ledger entries, 0 findings, 2 notes checked)
      "
    `);
    const report = await runCliJson(root, ["validate", "--fix"]);
    expect(report).toMatchObject({ ok: true, fixed: [], counts: { errors: 0, warnings: 1 } });
    expect(await runCliJson(root, ["validate"])).not.toHaveProperty("fixed");
  });

  it.each(["kb-missing-alias", "kb-missing-backlink", "kb-required-link"])("heals all of %s", async (name) => {
    const root = writeFiles({});
    cpSync(join(import.meta.dirname, "../validate", name, "repo"), root, { recursive: true });

    expect((await runCli(root, ["validate", "--fix"])).stdout).toMatch(/\n0 errors, 0 warnings /);
    expect((await runCli(root, ["validate", "--fix"])).stdout).toMatch(/^0 errors, 0 warnings /);
  });

  it("tells under --json what it added", async () => {
    const root = writeFiles({
      "kb/research/threads/T001-speed.md": thread("T001", { links: [] }),
      "kb/research/hypotheses/H001-faster.md": hypothesis("H001", { links: ["T001"] }),
    });

    expect(await runCliJson(root, ["validate", "--fix"])).toMatchObject({
      ok: true,
      fixed: [{ code: "kb.missing_backlink", path: "kb/research/threads/T001-speed.md", message: "added [[H001]]" }],
    });
  });

  it("touches only what belongs to the named notes", async () => {
    const files = {
      "kb/research/threads/T001-speed.md": thread("T001", { links: [] }),
      "kb/research/hypotheses/H001-faster.md": hypothesis("H001", { links: ["T001"] }),
      "kb/research/hypotheses/H002-slower.md": hypothesis("H002", { links: ["T001"], alias: "slow" }),
    };
    const root = writeFiles(files);

    const { stdout } = await runCli(root, ["validate", "--fix", "kb/research/hypotheses/H001-faster.md"]);
    expect(stdout).toMatchInlineSnapshot(`
      "fixed kb.missing_backlink kb/research/threads/T001-speed.md: added [[H001]]
      0 errors, 0 warnings (0 runs, 0 ledger entries, 0 findings, 1 note checked)
      "
    `);
    expect(readFileSync(join(root, "kb/research/hypotheses/H002-slower.md"), "utf8")).toBe(
      files["kb/research/hypotheses/H002-slower.md"],
    );
  });

  it("leaves a note alone that ends in an open comment, where no link would be seen", async () => {
    const open = `${thread("T001", { links: [] }).trimEnd()}\n\n<!-- more\n`;
    const root = writeFiles({
      "kb/research/threads/T001-speed.md": open,
      "kb/research/hypotheses/H001-faster.md": hypothesis("H001", { links: ["T001"] }),
    });

    const { stderr } = await runCli(root, ["validate", "--fix"]);
    expect(stderr).toMatch(
      /links of kb\/research\/threads\/T001-speed\.md cannot be repaired: .* on line \d+ has no end/,
    );
    expect(readFileSync(join(root, "kb/research/threads/T001-speed.md"), "utf8")).toBe(open);
  });

  it("leaves a note alone whose aliases cannot be edited, and goes on with the others", async () => {
    const root = writeFiles({
      "kb/research/threads/T001-speed.md": thread("T001", { links: [] }).replace(
        "aliases: [T001]",
        "other: &names [speed]\naliases: *names",
      ),
      "kb/research/hypotheses/H001-faster.md": hypothesis("H001", { links: ["T001"] }),
    });

    const { stdout, stderr } = await runCli(root, ["validate", "--fix"]);
    expect(stdout).toContain("fixed kb.missing_backlink kb/research/threads/T001-speed.md: added [[H001]]");
    expect(stdout).toContain("error kb.missing_alias kb/research/threads/T001-speed.md:3");
    expect(stderr).toContain("warning: aliases of kb/research/threads/T001-speed.md cannot be repaired: ");
  });

  it("makes no file where there is nothing to do", async () => {
    const root = writeFiles({ "kb/research/threads/T001-speed.md": thread("T001", { links: [] }) });

    expect((await runCli(root, ["validate", "--fix"])).exitCode).toBe(0);
    expect(readdirSync(join(root, ".aexp"))).toEqual(["installed.json"]);
  });

  it("asks for an installation before it writes", async () => {
    const files = { "kb/research/threads/T001-speed.md": thread("T001", { alias: "speed", links: [] }) };
    const root = writeFiles(files, { isInstalled: false });

    const { stdout, stderr, exitCode } = await runCli(root, ["validate", "--fix"]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).toContain("aexp install");
    expect(readdirSync(join(root, ".aexp"))).toEqual([]);
  });

  it("is refused together with --runs-only", async () => {
    const root = writeFiles({});
    expect((await runCli(root, ["validate", "--fix", "--runs-only"])).exitCode).toBe(2);
  });
});

/** Leaves out one link of a note, or its alias. */
function damaged(note: GeneratedNote, part: number): { note: GeneratedNote; code: string; missing: string } {
  const link = note.links[part];
  if (link === undefined) return { note: { ...note, aliases: [] }, code: "kb.missing_alias", missing: note.id };
  const links = note.links.filter((other) => other !== link);
  return { note: { ...note, links }, code: link.missing, missing: `[[${link.to}]]` };
}

/** What one text has in place of what the other has, without what both begin and end with. */
function replacedIn(before: string, after: string): { old: string; new: string } {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { old: before.slice(start, before.length - end), new: after.slice(start, after.length - end) };
}

function writeGraph(notes: readonly GeneratedNote[]): string {
  return writeFiles(Object.fromEntries(notes.map((note) => [note.path, textOfNote(note)])));
}

function readGraph(root: string, notes: readonly GeneratedNote[]): string[] {
  return notes.map(({ path }) => readFileSync(join(root, path), "utf8"));
}

function writeFiles(files: Readonly<Record<string, string>>, { isInstalled } = { isInstalled: true }): string {
  const root = tempDir();
  mkdirSync(join(root, ".aexp"));
  mkdirSync(join(root, "kb"));
  if (isInstalled) writeFileSync(join(root, ".aexp/installed.json"), "{}\n");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** `code path` of every issue of the notes. */
async function issuesIn(root: string, ...flags: string[]): Promise<string[]> {
  const { stdout } = await runCli(root, ["validate", "--strict-runs", "off", ...flags]);
  return [...stdout.matchAll(/^(?:error|warning) (\S+) (.*?\.md)/gm)].map(([, code, path]) => `${code} ${path}`);
}

interface NoteParts {
  readonly alias?: string;
  readonly status?: string;
  /** Targets; without, there is no Links section. */
  readonly links: readonly string[] | undefined;
}

function thread(id: string, { alias = id, status = "EXPLORING", links }: NoteParts): string {
  const headings = ["Statement", "Sub-questions", "Promotion criteria", "Open links", "Notes", "Conclusion"];
  return noteText(id, `aliases: [${alias}]\nstatus: ${status}\ncreated: 2026-01-01`, headings, links);
}

function hypothesis(id: string, { alias = id, status = "TESTING", links }: NoteParts): string {
  const headings = ["Statement", "Mechanism", "Why This Might Generalize", "Shortcut Risks", "Test Plan", "Evidence"];
  const fields = `aliases: [${alias}]\nstatus: ${status}\ncreated: 2026-01-01\nthread: T001`;
  return noteText(id, fields, [...headings, "Conclusion"], links);
}

function noteText(
  id: string,
  fields: string,
  headings: readonly string[],
  links: readonly string[] | undefined,
): string {
  const sections = headings.map((heading) => `\n## ${heading}\n`).join("");
  const list = links === undefined ? "" : `\n## Links\n\n${links.map((target) => `- [[${target}]]\n`).join("")}`;
  return `---\n${fields}\n---\n# ${id}: Words\n${sections}${list}`;
}
