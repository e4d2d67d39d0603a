/** What artifacts call a method that the pipeline asked for: enlarged is not super-resolved. */
export function methodName(method: string): string {
  return method === "grabcut-r-sr" ? "grabcut-r-sr (bicubic)" : method;
}
