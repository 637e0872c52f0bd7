/** As much of a terminal as our screens use: what is written to it, and what then stands on it. */
export class FakeTerminal {
  readonly isTTY = true;
  columns: number;
  rows: number;
  /** Whether it takes nothing, as after Ctrl-S. */
  isFrozen = false;
  isCursorShown = true;
  /** Everything that was written, piece by piece. */
  readonly written: string[] = [];
  /** Lines that have left the screen at the top. */
  readonly #history: string[] = [];
  #grid: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(columns = 100, rows = 30) {
    this.columns = columns;
    this.rows = rows;
  }

  write(data: string | Uint8Array): boolean {
    const text = typeof data === "string" ? data : Buffer.from(data).toString("utf8");
    this.written.push(text);
    for (const [part, parameter, command] of text.matchAll(/\u001b\[(\??[\d;]*)([A-Za-z])|[^]/gu)) {
      if (command === undefined) this.#put(part);
      else this.#obey(command, parameter ?? "");
    }
    return true;
  }

  offer(text: string): boolean {
    if (!this.isFrozen) this.write(text);
    return !this.isFrozen;
  }

  /** What a person sees, and what they can scroll back to; empty lines at the end left out. */
  get lines(): readonly string[] {
    const all = [...this.#history, ...this.#grid].map((line) => line.trimEnd());
    return all.slice(0, all.findLastIndex((line) => line !== "") + 1);
  }

  #put(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") {
      this.#column = 0;
      this.#down();
    } else {
      if (this.#column >= this.columns) throw new Error(`a line is too long: ${this.#grid[this.#row] ?? ""}`);
      const line = Array.from((this.#grid[this.#row] ?? "").padEnd(this.#column));
      line[this.#column] = character;
      this.#grid[this.#row] = line.join("");
      this.#column += 1;
    }
  }

  #down(): void {
    this.#row += 1;
    if (this.#row === this.#grid.length) this.#grid.push("");
    if (this.#row < this.rows) return;
    this.#history.push(this.#grid.shift() ?? "");
    this.#row -= 1;
  }

  #obey(command: string, parameter: string): void {
    const line = this.#grid[this.#row] ?? "";
    if (command === "A") this.#row = Math.max(0, this.#row - Number(parameter || 1));
    else if (command === "K") this.#grid[this.#row] = line.slice(0, this.#column);
    else if (command === "J") this.#grid = [...this.#grid.slice(0, this.#row), line.slice(0, this.#column)];
    else if (parameter === "?25") this.isCursorShown = command === "h";
    else if (command !== "m" && parameter !== "?2026") throw new Error(`unknown sequence ${parameter}${command}`);
  }
}
