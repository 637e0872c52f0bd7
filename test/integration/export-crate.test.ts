import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { isJsonObject } from "../../src/model/json.ts";
import { runCli } from "../helpers/cli.ts";
import { exportProject } from "../helpers/export-project.ts";
import { git } from "../helpers/git-repo.ts";

const FIXTURE = new URL("../fixtures/ro-crate/context-1.1-terms.json", import.meta.url);

type Entity = Readonly<Record<string, unknown>>;

describe("export --format ro-crate", () => {
  it("keeps the rules of RO-Crate 1.1", async () => {
    const { crate, graph, context } = await exported();
    const ids = graph.map(idOf);
    const [descriptor] = graph.filter((entity) => entity["@id"] === "ro-crate-metadata.json");
    const root = entityOf(graph, "./");

    expect(context).toEqual(["https://w3id.org/ro/crate/1.1/context", { sha256: "http://schema.org/sha256" }]);
    expect(descriptor).toMatchObject({
      "@type": "CreativeWork",
      conformsTo: { "@id": "https://w3id.org/ro/crate/1.1" },
      about: { "@id": "./" },
    });
    expect(root).toMatchObject({ "@type": "Dataset", name: "Runs of rates", license: { "@id": "LICENSE" } });
    expect(root["description"]).toEqual(expect.any(String));
    expect(String(root["datePublished"])).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);
    expect(new Set(ids).size).toBe(ids.length);

    // Files are in the crate, and part of it; the sizes and digests are theirs.
    const files = graph.filter((entity) => entity["@type"] === "File");
    expect(idsIn(root["hasPart"]).toSorted()).toEqual(files.map(idOf).toSorted());
    for (const file of files) {
      const bytes = readFileSync(join(crate, decodeURI(String(file["@id"]))));
      expect(file["contentSize"]).toBe(String(bytes.length));
      expect(file["sha256"]).toBe(createHash("sha256").update(bytes).digest("hex"));
    }
    const names = readdirSync(crate, { recursive: true, encoding: "utf8" });
    expect(names.toSorted()).toEqual(
      [...files.map(idOf), ".aexp-export.json", "ledger", "ro-crate-metadata.json"].toSorted(),
    );
  });

  it("is flattened: values are plain or references, and every local reference is in the graph", async () => {
    const { graph } = await exported();
    const ids = new Set(graph.map(idOf));
    const values = graph.flatMap((entity) => Object.values(entity));
    const references = values.flat().filter(isJsonObject);
    const plain = values.flat().filter((value) => !isJsonObject(value));

    expect([...new Set(plain.map((value) => typeof value))].toSorted()).toEqual(["boolean", "number", "string"]);
    expect([...new Set(references.flatMap((reference) => Object.keys(reference)))]).toEqual(["@id"]);
    // One value stands without a list.
    expect(values.filter((value) => Array.isArray(value) && value.length < 2)).toEqual([]);
    const outside = new Set(references.map((reference) => String(reference["@id"])).filter((id) => !ids.has(id)));
    expect([...outside].toSorted()).toEqual([
      "http://schema.org/ActiveActionStatus",
      "http://schema.org/CompletedActionStatus",
      "http://schema.org/FailedActionStatus",
      "https://w3id.org/ro/crate/1.1",
    ]);
    for (const id of ids) expect(id).toMatch(/^(?:\.\/|[\w.\-~!$&'()*+,;=:@%/#]+)$/);
  });

  it("uses only terms of the official context, and those that it defines", async () => {
    const { graph, context } = await exported();
    const { terms }: { terms: Record<string, string> } = JSON.parse(readFileSync(FIXTURE, "utf8"));
    const own = context.flatMap((item) => (isJsonObject(item) ? Object.keys(item) : []));
    const known = new Set([...Object.keys(terms), ...own, "@id", "@type"]);
    const used = new Set(graph.flatMap((entity) => [...Object.keys(entity), String(entity["@type"])]));

    expect([...used].filter((term) => !known.has(term))).toEqual([]);
    // The fixture holds no more than is used, so that it stays small.
    expect(Object.keys(terms).filter((term) => !used.has(term))).toEqual([]);
  });

  it("tells of a run what the ledger knows", async () => {
    const { graph, project } = await exported();
    const failed = project.sweep[4] ?? "";
    const id = `#run-${failed}`;

    expect(entityOf(graph, id)).toEqual({
      "@id": id,
      "@type": "CreateAction",
      name: `Run ${failed.slice(0, 8)} of E001`,
      identifier: failed,
      description: "Status in the ledger of aexp: failed.",
      startTime: "2026-03-01T10:04:05Z",
      endTime: "2026-03-01T10:04:59Z",
      actionStatus: { "@id": "http://schema.org/FailedActionStatus" },
      error: "signal",
      agent: { "@id": "#machine-laptop" },
      instrument: { "@id": `#code-${"ab".repeat(20)}` },
      object: ["lr", "seed", "model.name", "model.layers"].map((key) => ({ "@id": `${id}/parameter/${key}` })),
      result: [{ "@id": `ledger/${failed}.json` }, { "@id": `${id}/metric/loss` }, { "@id": `${id}/metric/accuracy` }],
    });
    expect(entityOf(graph, `${id}/parameter/lr`)).toMatchObject({ "@type": "PropertyValue", name: "lr", value: 0.1 });
    expect(entityOf(graph, `#code-${"ab".repeat(20)}`)).toMatchObject({
      "@type": "SoftwareSourceCode",
      codeRepository: "https://git.example.org/lab/rates",
      version: "ab".repeat(20),
    });
    expect(entityOf(graph, `#run-${project.hostile}/output/model`)).toMatchObject({
      contentSize: "12",
      identifier: "sha256:00",
    });
    expect(entityOf(graph, "#F001")).toMatchObject({
      "@type": "CreativeWork",
      name: "F001: Quicker indeed",
      mentions: project.sweep
        .slice(0, 2)
        .toSorted()
        .map((run) => ({ "@id": `#run-${run}` })),
      isBasedOn: [{ "@id": "#H001" }, { "@id": "#E001" }],
    });
  });

  it("keeps the text of numbers, and copies entries byte for byte", async () => {
    const { crate, project, text } = await exported();
    const name = `ledger/${project.hostile}.json`;

    expect(text).toContain('"name":"big","value":12345678901234567890');
    expect(text).toContain('"name":"tiny","value":1e-07');
    expect(readFileSync(join(crate, name), "utf8")).toBe(readFileSync(join(project.root, ".aexp", name), "utf8"));
  });

  it("lets no path of this machine and no secret out", async () => {
    const { text, project } = await exported();

    expect(text).not.toContain(project.root);
    expect(text).not.toContain("hunter2");
    expect(text).toContain('"name":"data","value":"<repository>/data/x.csv"');
  });

  it("leaves out an entry that names a folder of this machine, and says so", async () => {
    const project = await exportProject();
    const file = join(project.root, ".aexp", "ledger", `${project.hostile}.json`);
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace('"promoted_at"', `"note": "${project.root}/x", "promoted_at"`),
    );
    const { stderr } = await runCli(project.root, ["export", "--format", "ro-crate", "--out", "../crate"]);

    expect(stderr).toContain("1 ledger entries name folders of this machine and are not copied");
    expect(readdirSync(join(project.folder, "crate", "ledger"))).toHaveLength(9);
  });

  it("takes the license and the title that are given", async () => {
    const { root, folder } = await exportProject();
    const flags = ["--license", "https://spdx.org/licenses/CC0-1.0", "--title", "My runs"];
    await runCli(root, ["export", "F001", "--format", "ro-crate", "--out", "../crate", ...flags]);
    const { graph } = readCrate(join(folder, "crate"));

    expect(entityOf(graph, "./")).toMatchObject({
      name: "My runs",
      license: { "@id": "https://spdx.org/licenses/CC0-1.0" },
    });
    expect(graph.filter((entity) => entity["@type"] === "CreateAction")).toHaveLength(2);
  });

  it("says that no license is known where there is none, and names no remote that is a folder", async () => {
    const { root, folder } = await exportProject();
    git(root, "remote", "set-url", "origin", join(root, "..", "elsewhere.git"));
    writeFileSync(join(root, "LICENSE"), Buffer.from([0xff, 0xfe, 0x00]));
    await runCli(root, ["export", "--format", "ro-crate", "--out", "../crate"]);
    const { graph, text } = readCrate(join(folder, "crate"));

    expect(entityOf(graph, "./")).toMatchObject({
      name: "Runs of project",
      license: expect.stringContaining("No license"),
    });
    expect(text).not.toContain("codeRepository");
    expect(text).not.toContain("elsewhere");
  });
});

async function exported() {
  const project = await exportProject();
  const result = await runCli(project.root, ["export", "--format", "ro-crate", "--out", "../crate"]);
  expect(result).toMatchObject({ exitCode: 0, stdout: `${join(project.folder, "crate")}: 11 runs\n` });
  const crate = join(project.folder, "crate");
  return { project, crate, ...readCrate(crate) };
}

function readCrate(crate: string): {
  readonly text: string;
  readonly graph: readonly Entity[];
  readonly context: readonly unknown[];
} {
  const text = readFileSync(join(crate, "ro-crate-metadata.json"), "utf8");
  const { "@graph": graph, "@context": context }: { "@graph": Entity[]; "@context": unknown[] } = JSON.parse(text);
  return { text, graph, context };
}

function entityOf(graph: readonly Entity[], id: string): Entity {
  const found = graph.find((entity) => entity["@id"] === id);
  if (found === undefined) throw new Error(`${id} is not in the graph`);
  return found;
}

function idOf(entity: Entity): string {
  return String(entity["@id"]);
}

function idsIn(value: unknown): readonly string[] {
  return [value].flat().map((item) => (isJsonObject(item) ? String(item["@id"]) : ""));
}
