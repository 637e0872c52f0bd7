import { styleText } from "node:util";

/** One of Node's names for a colour or a weight, or several. */
export type Style = Parameters<typeof styleText>[0];

/** The text in a style, or as it is where there is no colour. */
export function paint(style: Style | undefined, text: string, color: boolean): string {
  return color && style !== undefined ? styleText(style, text, { validateStream: false }) : text;
}
