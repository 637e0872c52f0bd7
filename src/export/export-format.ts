/** What runs can be exported as. */
export const EXPORT_FORMATS = ["csv", "json", "ro-crate", "mlflow"] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Whether a format is a folder; the others are one text. */
export function isFolderFormat(format: ExportFormat): format is "ro-crate" | "mlflow" {
  return format === "ro-crate" || format === "mlflow";
}
