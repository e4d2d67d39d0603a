/// <reference path="./cornerstoneCodecs.d.ts" />
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** What a codec made of a frame. */
export interface DecodedFrame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** Row by row, components beside each other; of more than 8 bits: 16-bit words, little endian. */
  readonly samples: Uint8Array;
}

/** A codec in WebAssembly, compiled when it is first needed. */
export type WasmCodec = (frame: Uint8Array) => Promise<DecodedFrame>;

/** CharLS: JPEG-LS. */
export const decodeJpegLs = wasmCodec(
  () => import("@cornerstonejs/codec-charls/decodewasmjs"),
  "@cornerstonejs/codec-charls/decodewasm",
  "JpegLSDecoder",
);
/** OpenJPEG: JPEG 2000, High-Throughput JPEG 2000 among it. */
export const decodeJpeg2000 = wasmCodec(
  () => import("@cornerstonejs/codec-openjpeg/decodewasmjs"),
  "@cornerstonejs/codec-openjpeg/decodewasm",
  "J2KDecoder",
);
/** libjpeg-turbo: JPEG of 8 bits, sequential or progressive; colour as red, green, blue. */
export const decodeJpeg = wasmCodec(
  () => import("@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs"),
  "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm",
  "JPEGDecoder",
);

/**
 * Every frame gets an instance of its own (4 ms): a damaged frame that overwrites the codec's memory or ends in a trap can
 * change no other frame. The codec throws, reports a problem in words or gives nothing where it cannot decode a frame; all
 * of that is thrown as an error. Markers that it does not know are no problem: the standards let decoders pass over them.
 */
function wasmCodec(
  glue: () => Promise<typeof import("@cornerstonejs/codec-charls/decodewasmjs")>,
  wasmFile: string,
  decoderName: string,
): WasmCodec {
  let compiled: Promise<WebAssembly.Module> | undefined;
  const compile = async (): Promise<WebAssembly.Module> =>
    WebAssembly.compile(new Uint8Array(await readFile(createRequire(import.meta.url).resolve(wasmFile))));
  return async (frame) => {
    compiled ??= compile();
    const [module, { default: open }] = [await compiled, await glue()];
    const complaints: string[] = [];
    const listen = (line: string): void => {
      if (/warning|error/i.test(line) && !/unknown marker/i.test(line)) complaints.push(line);
    };
    const codec = await open({
      print: listen,
      printErr: listen,
      instantiateWasm: (imports, receive) => {
        const instance = new WebAssembly.Instance(module, imports);
        receive(instance, module);
        return instance.exports;
      },
    });
    const decoder = new codec[decoderName]();
    try {
      decoder.getEncodedBuffer(frame.length).set(frame);
      decoder.decode();
    } catch (error) {
      throw error instanceof Error ? error : new Error(complaints[0] ?? "not decodable");
    }
    const samples = decoder.getDecodedBuffer().slice();
    if (complaints.length > 0 || samples.length === 0) throw new Error(complaints[0] ?? "not decodable");
    const { width, height, componentCount } = decoder.getFrameInfo();
    return { width, height, components: componentCount, samples };
  };
}
