/**
 * OpenCV's random numbers (multiply with carry, 64 bits of state), for the one place where its draws are met: the
 * k-means++ seeds of GrabCut. Everything else uses `randomStream`.
 */
export class MultiplyWithCarry {
  private low: number;
  private carry = 0;

  /** @param seed 32-bit unsigned; 0 stands for 2³² − 1, the state of a fresh OpenCV thread. */
  constructor(seed: number) {
    this.low = seed >>> 0 || 0xffffffff;
  }

  /** The next 32 bits: state ← low · 4164903690 + carry. */
  next(): number {
    const multiplier = 4164903690;
    // In halves, since the product does not fit in 53 bits.
    const lower = (this.low & 0xffff) * multiplier + this.carry;
    const upper = (this.low >>> 16) * multiplier;
    const sum = (upper % 65536) * 65536 + lower;
    this.carry = Math.floor(upper / 65536) + Math.floor(sum / 4294967296);
    this.low = sum % 4294967296;
    return this.low;
  }

  /** Uniform in [0, 1] from two draws, the first one leading. */
  uniform(): number {
    const leading = this.next();
    return (leading * 4294967296 + this.next()) / 2 ** 64;
  }
}
