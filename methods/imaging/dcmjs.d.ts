/** The part that is used here of dcmjs, which has no types of its own. */
declare module "dcmjs" {
  /** Elements by tag, eight hex digits. */
  export type Elements = Record<string, { readonly vr: string; readonly Value?: readonly unknown[] }>;
  /** Values by keyword; a sequence is an array of such. */
  export type Naturalized = { [keyword: string]: unknown };
  export interface DicomDict {
    dict: Elements;
    /** Part 10, explicit VR little endian. */
    write(): ArrayBuffer;
  }
  const dcmjs: {
    readonly data: {
      /** Zeros and ones as bits, the first in the lowest bit. */
      readonly BitArray: { pack(values: Uint8Array): Uint8Array };
      readonly DicomDict: new (meta: Elements) => DicomDict;
      readonly DicomMetaDictionary: { denaturalizeDataset(dataset: Naturalized): Elements };
    };
  };
  export default dcmjs;
}
