/** Values for the named parameters of a statement; `undefined` is stored as NULL. */
export type Values = Readonly<Record<string, Value | undefined>>;
type Value = string | number | null | readonly string[] | readonly number[];

/** A statement as PostgreSQL takes it. */
export interface Positional {
  /** The same for the same text, so that the server prepares it once for each connection. */
  readonly name: string;
  readonly text: string;
  /** Which value stands at each position. */
  readonly order: readonly string[];
}

const known = new Map<string, Positional>();

/** Gives named parameters (`:id`) numbers. What follows two colons is a type and stays. */
export function toPositional(sql: string): Positional {
  const before = known.get(sql);
  if (before !== undefined) return before;
  const order: string[] = [];
  const text = sql.replaceAll(/(?<![:\w]):([a-z]\w*)/gi, (_, name: string) => {
    const place = order.indexOf(name);
    return `$${place === -1 ? order.push(name) : place + 1}`;
  });
  const statement = { name: `aexp_${known.size + 1}`, text, order };
  known.set(sql, statement);
  return statement;
}

/** The values of a statement in its order. */
export function inOrder(order: readonly string[], values: Values): unknown[] {
  return order.map((name) => {
    const value = values[name] ?? null;
    if (typeof value === "string") return storable(value);
    return Array.isArray(value) ? value.map((item) => (typeof item === "string" ? storable(item) : item)) : value;
  });
}

/** The text as PostgreSQL can store it: it knows no NUL, and no half of a surrogate pair. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\uFFFD");
}

/** JSON whose texts PostgreSQL can store. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === "string" ? storable(item) : item));
}
