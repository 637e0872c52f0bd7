import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";

import { purgeQueue } from "../../src/app/purge-queue.ts";
import { submitPipeline } from "../../src/app/submit-pipeline.ts";
import { readPipelineFile } from "../../src/cli/pipeline-file.ts";
import { runCli } from "../helpers/cli.ts";
import { git } from "../helpers/git-repo.ts";
import {
  makePipelineProject,
  type PipelineProject,
  readOutput,
  statesOf,
  taskOf,
  THREE_STAGES,
} from "../helpers/pipeline-project.ts";

const SOURCES = join(import.meta.dirname, "..", "..", "src");

/** A stage that prints the program that it is, and one after it. */
const TWO_STAGES = `
name: code
stages:
  first:
    command: ./note first; sh ./say.sh > {outputs.out}
    outputs: {out: {path: out}}
  second:
    command: ./note second; sh ./say.sh > {outputs.out}; cat {inputs.first} >> {outputs.out}
    inputs: {first: {stage: first}}
    outputs: {out: {path: out}}
`;

async function makeCodeProject(pipeline = TWO_STAGES): Promise<PipelineProject> {
  const project = await makePipelineProject(pipeline);
  project.write("say.sh", "echo old\n");
  return project;
}

describe("the code that a stage executes", () => {
  it("is what was keyed, when a file is edited between that and the submission", async () => {
    const project = await makeCodeProject();
    const { root, repo, ports } = project;
    const place = { cwd: root, env: {} };
    const read = await readPipelineFile(repo, ports, place, { file: "pipeline.yaml", cache: undefined });
    project.write("say.sh", "echo new\n");

    await submitPipeline(repo, ports, read.group, read.planned);
    await project.work();

    const [old] = await project.groups();
    if (old === undefined) throw new Error("nothing was submitted");
    expect(await readOutput(project, taskOf(old, "second").id)).toBe("old\nold\n");
    const { pipeline } = await project.run();
    expect(statesOf(pipeline)).toEqual({ first: "complete", second: "complete" });
    expect(await readOutput(project, taskOf(pipeline, "second").id)).toBe("new\nnew\n");
    expect(taskOf(pipeline, "first").cacheKey).not.toBe(taskOf(old, "first").cacheKey);
  });

  it("is the same for a later stage, when an earlier one edits it", async () => {
    const edits = TWO_STAGES.replace("./note first;", "./note first; echo 'echo edited' > {repo}/say.sh;");
    const project = await makeCodeProject(edits);

    const { pipeline } = await project.run();

    expect(await readOutput(project, taskOf(pipeline, "second").id)).toBe("old\nold\n");
  });

  it("is that of the submission, when a stage begins after the tree was edited, committed and cleaned up", async () => {
    const project = await makeCodeProject(TWO_STAGES.replace("name: code", "name: code\ndefaults: {lane: later}"));
    await project.ports.store.setLane("later", { maxRunning: 0 });
    const submitted = await project.submit();
    project.write("say.sh", "echo new\n");
    git(project.root, "add", "--all");
    git(project.root, "commit", "--quiet", "--message", "Say something else");
    git(project.root, "gc", "--quiet", "--prune=now");
    await project.ports.store.setLane("later", { maxRunning: 1 });

    await project.work();

    expect(await readOutput(project, taskOf(submitted, "second").id)).toBe("old\nold\n");
  });

  it("is that of the first submission, when a group is repeated", async () => {
    const project = await makeCodeProject(
      TWO_STAGES.replace("./note second;", "./note second; test -e {repo}/go || exit 1;"),
    );
    const { group, pipeline } = await project.run();
    expect(statesOf(pipeline)).toEqual({ first: "complete", second: "failed" });
    project.write("say.sh", "echo new\n");
    project.write("go", "");

    expect((await runCli(project.root, ["pipeline", "retry", group])).exitCode).toBe(0);
    await project.work();

    expect(await readOutput(project, taskOf(pipeline, "second").id)).toBe("old\nold\n");
  });

  it("is made again when a program changed it", async () => {
    const vandal = TWO_STAGES.replace(
      "./note first;",
      "./note first; chmod -R u+w . && echo 'echo vandal' > say.sh;",
    ).replace("sh ./say.sh > {outputs.out}\n", "echo first > {outputs.out}\n");
    const project = await makeCodeProject(vandal);

    const { pipeline } = await project.run();

    expect(await readOutput(project, taskOf(pipeline, "second").id)).toBe("old\nfirst\n");
  });

  it("has nothing that git ignores, and what is not committed", async () => {
    const project = await makeCodeProject(`
name: files
stages:
  list:
    command: ls > {outputs.files}
    outputs: {files: {path: files}}
`);
    project.write(".gitignore", "secret.env\n");
    project.write("secret.env", "TOKEN=1\n");

    const { pipeline } = await project.run();

    const files = (await readOutput(project, taskOf(pipeline, "list").id)).split("\n");
    expect(files).toContain("say.sh");
    expect(files).not.toContain("secret.env");
  });

  it("is nothing that could be keyed without git: stages are executed where they are, each time, and it is said", async () => {
    const project = await makePipelineProject(THREE_STAGES);
    // The repository is one by its marker alone, as `aexp install --no-require-git` makes it.
    git(project.root, "config", "core.repositoryformatversion", "99");
    const first = await project.run();
    expect(first.exitCode, `it said: ${first.stderr}`).toBe(0);
    expect(first.stderr).toContain("prepare, train, report cannot be cached: ");
    project.executed();

    const { pipeline } = await project.run();

    expect(statesOf(pipeline)).toEqual({ prepare: "complete", train: "complete", report: "complete" });
    expect(project.executed()).toEqual(["prepare", "train 0.1", "report"]);
    const { facts } = project.repo.runs.read(taskOf(pipeline, "train").id).document;
    expect(facts.stage).toMatchObject({ uncached: expect.stringMatching(/git/) });
    expect(facts.stage?.cache_key).toBeUndefined();
  });
});

describe("checkouts and refs", () => {
  it("may be asked for by many at once", async () => {
    const { root } = await makeCodeProject();
    const script = `
      import { openCode } from ${JSON.stringify(join(SOURCES, "wiring", "open-code.ts"))};
      import { openRepo } from ${JSON.stringify(join(SOURCES, "wiring", "open-repo.ts"))};
      const code = openCode(openRepo({ folder: process.cwd(), cwd: process.cwd(), env: process.env, warn: () => {} }));
      const { tree } = await code.captureCode();
      await Promise.all(Array.from({ length: 5 }, () => code.keepTree(tree)));
    `;
    const processes = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ["--input-type=module", "--eval", script], {
        cwd: root,
        stdio: ["ignore", "ignore", "pipe"],
      }),
    );

    const ends = await Promise.all(
      processes.map(async (child) => {
        const [said] = await Promise.all([text(child.stderr), once(child, "close")]);
        return child.exitCode === 0 ? "" : said;
      }),
    );

    expect(ends).toEqual(["", "", "", ""]);
    expect(git(root, "for-each-ref", "refs/aexp/trees/").split("\n")).toHaveLength(1);
  });

  it("are kept before anything is queued, and once more when somebody cleaned up meanwhile", async () => {
    const project = await makeCodeProject();
    const { root, repo, ports } = project;
    const place = { cwd: root, env: process.env };
    const read = await readPipelineFile(repo, ports, place, { file: "pipeline.yaml", cache: undefined });
    const submit = ports.store.submit.bind(ports.store);
    const keptBefore: number[] = [];
    ports.store.submit = async (...args) => {
      keptBefore.push((await ports.code.keptTrees()).length);
      await ports.code.pruneTrees(new Set());
      return await submit(...args);
    };

    await submitPipeline(repo, ports, read.group, read.planned);

    expect(keptBefore).toEqual([1]);
    expect(await ports.code.keptTrees()).toHaveLength(1);
  });

  it("stay while a task needs them, and go with the last", async () => {
    const project = await makeCodeProject();
    const { repo, ports } = project;
    await project.run();
    const [old] = await ports.code.keptTrees();
    project.write("say.sh", "echo new\n");
    await project.run();
    expect(await ports.code.keptTrees()).toHaveLength(2);
    expect(old && ports.code.verifyCheckout(old)).toBe("sound");
    const purge = { dryRun: false, beforeMs: (await ports.store.now()) + 1 };
    expect((await purgeQueue(repo, ports, purge)).ids).toEqual([]);
    expect(await ports.code.keptTrees()).toHaveLength(2);
    await ports.store.setLane("default", { keepLast: 0 });

    expect(await purgeQueue(repo, ports, purge)).toMatchObject({ checkouts: 2 });

    expect(await ports.store.tasks({})).toEqual([]);
    expect(await ports.code.keptTrees()).toEqual([]);
    expect(old && ports.code.verifyCheckout(old)).toBe("absent");
  });
});
