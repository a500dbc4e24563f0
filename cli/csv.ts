/**
 * Rows of comma-separated values (RFC 4180).
 *
 * @module
 */

/** Formats a row with its line end. A field with a comma, a quote or a line break is quoted. */
export function csvRow(fields: readonly (string | number)[]): string {
  return fields.map((field) => csvField(String(field))).join(",") + "\n";
}

function csvField(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
