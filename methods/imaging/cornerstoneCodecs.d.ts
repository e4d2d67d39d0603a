/** The part that is used here of the C++ codecs which the Cornerstone project compiles to WebAssembly. */
declare module "@cornerstonejs/*wasmjs" {
  export interface FrameDecoder {
    /** Memory of the codec for the compressed frame. */
    getEncodedBuffer(bytes: number): Uint8Array;
    /** Throws numbers: addresses of C++ exceptions. */
    decode(): void;
    getFrameInfo(): {
      readonly width: number;
      readonly height: number;
      readonly bitsPerSample: number;
      readonly componentCount: number;
    };
    /** Empty where the frame could not be decoded. */
    getDecodedBuffer(): Uint8Array;
  }
  export type CodecInstance = Readonly<Record<string, new () => FrameDecoder>>;
  const open: (options: {
    print(line: string): void;
    printErr(line: string): void;
    instantiateWasm(
      imports: Record<string, Record<string, never>>,
      receive: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ): WebAssembly.Instance["exports"];
  }) => Promise<CodecInstance>;
  export default open;
}

/** Node's own; the types of Node 20 name it without saying what it does. */
declare namespace WebAssembly {
  interface Instance {
    readonly exports: object;
  }
  const Instance: new (module: Module, imports: object) => Instance;
  function compile(bytes: Uint8Array): Promise<Module>;
}
