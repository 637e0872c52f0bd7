export class SimpleGit {
  readonly root: string;
  constructor(root: string) {
    this.root = root;
  }
}
