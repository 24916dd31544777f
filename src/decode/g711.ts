const MU_LAW_BIAS = 0x84;

function tableOf(sample: (byte: number) => number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => sample(byte) / 32_768);
}

/** Even bits are stored inverted; the sign bit is set for positive values. */
function aLawSample(byte: number): number {
  const code = byte ^ 0x55;
  const segment = (code >> 4) & 7;
  const step = ((code & 15) << 4) + 8;
  const value = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return (code & 0x80) === 0 ? -value : value;
}

/** All bits are stored inverted; the sign bit is then set for negative values. */
function muLawSample(byte: number): number {
  const code = ~byte & 0xff;
  const value = ((((code & 15) << 3) + MU_LAW_BIAS) << ((code >> 4) & 7)) - MU_LAW_BIAS;
  return (code & 0x80) === 0 ? value : -value;
}

/** Tables of G.711 (ITU-T G.711): the sample of 16 bits, as a part of 1, that each byte stands for. */
export const A_LAW: Float32Array = tableOf(aLawSample);
export const MU_LAW: Float32Array = tableOf(muLawSample);
