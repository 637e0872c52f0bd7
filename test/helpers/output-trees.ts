import fc from "fast-check";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";

/** What a test puts into a folder; names and link targets are one character per byte. */
export type TreeNode =
  | { readonly type: "file"; readonly content: string; readonly isExecutable: boolean }
  | { readonly type: "link"; readonly target: string }
  | { readonly type: "folder"; readonly entries: TreeSpec };

/** A folder by the names of its entries. */
export type TreeSpec = ReadonlyMap<string, TreeNode>;

/** One thing to create, with the names of the folders around it. */
interface Step {
  readonly path: readonly string[];
  readonly node: TreeNode;
}

/** Everything in a tree that needs a step of its own; folders that are not empty come with what is in them. */
export function stepsOf(tree: TreeSpec, prefix: readonly string[] = []): readonly Step[] {
  return [...tree].flatMap(([name, node]) => {
    const path = [...prefix, name];
    return node.type === "folder" && node.entries.size > 0 ? stepsOf(node.entries, path) : [{ path, node }];
  });
}

/** Creates a folder with these things in it, one after the other. */
export function createTree(root: string, steps: readonly Step[]): void {
  mkdirSync(root);
  for (const { path, node } of steps) {
    const place = bytes(`${root}/${path.join("/")}`);
    mkdirSync(bytes([root, ...path.slice(0, -1)].join("/")), { recursive: true });
    if (node.type === "folder") mkdirSync(place);
    else if (node.type === "link") symlinkSync(bytes(node.target), place);
    else {
      writeFileSync(place, Buffer.from(node.content, "latin1"));
      if (node.isExecutable) chmodSync(place, 0o755);
    }
  }
}

/** The bytes of a path that is written with one character per byte. */
function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Names that are hard to tell apart or to sort, such as those with tabs, dots and bytes that are no UTF-8. */
function anyName(): fc.Arbitrary<string> {
  const character = fc.constantFrom(
    "a",
    "b",
    "\t",
    "\n",
    " ",
    ".",
    "-",
    ":",
    "0",
    "\u00ff",
    "\u00c3",
    "\u00a9",
    "\u0001",
  );
  return fc
    .array(character, { minLength: 1, maxLength: 4 })
    .map((characters) => characters.join(""))
    .filter((name) => name !== "." && name !== "..");
}

/** Small trees of everything that an output may hold. */
export function anyTree(): fc.Arbitrary<TreeSpec> {
  const { tree } = fc.letrec<{ readonly tree: TreeSpec; readonly node: TreeNode }>((tie) => ({
    tree: fc.array(fc.tuple(anyName(), tie("node")), { maxLength: 4 }).map((entries) => new Map(entries)),
    node: fc.oneof(
      { maxDepth: 3, depthIdentifier: "tree" },
      fc.record({
        type: fc.constant("file" as const),
        content: fc.string({ maxLength: 3 }),
        isExecutable: fc.boolean(),
      }),
      fc.record({ type: fc.constant("link" as const), target: anyName() }),
      fc.record({ type: fc.constant("folder" as const), entries: tie("tree") }),
    ),
  }));
  return tree;
}

/** All trees that differ from one in a single name, byte, executable bit, target, type, or something in an empty folder. */
export function neighboursOf(tree: TreeSpec): readonly TreeSpec[] {
  const added = new Map(tree).set(freeName(tree, "new"), { type: "folder", entries: new Map() });
  return [
    added,
    ...[...tree].flatMap(([name, node]) => {
      const others = [...tree].filter(([other]) => other !== name);
      const renamed = new Map([...others, [freeName(tree, name), node]]);
      return [new Map(others), renamed, ...neighboursOfNode(node).map((other) => new Map(tree).set(name, other))];
    }),
  ];
}

function neighboursOfNode(node: TreeNode): readonly TreeNode[] {
  switch (node.type) {
    case "file":
      return [
        { ...node, content: `${node.content}\0` },
        { ...node, content: `${node.content.startsWith("!") ? "?" : "!"}${node.content.slice(1)}` },
        { ...node, isExecutable: !node.isExecutable },
        { type: "link", target: `x${node.content.replaceAll("/", "_")}` },
        { type: "folder", entries: new Map() },
      ];
    case "link":
      return [
        { ...node, target: `${node.target}x` },
        { type: "file", content: node.target, isExecutable: false },
      ];
    case "folder":
      return neighboursOf(node.entries).map((entries) => ({ ...node, entries }));
  }
}

function freeName(tree: TreeSpec, name: string): string {
  return tree.has(`${name}_`) ? freeName(tree, `${name}_`) : `${name}_`;
}
