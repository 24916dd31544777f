import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { expect, it } from 'vitest';
import { readPictures } from '../../src/decode/index.js';
import { describeNeeding, packages, tools } from '../support/tools.js';
import { meansModel } from './onnx-model.js';

const RECORDING = 'examples/recording/camera.mkv';
const MEAN = [0.485, 0.456, 0.406] as const;
const STD = [0.229, 0.224, 0.225] as const;

const DECODERS = [tools('ffmpeg'), packages('@napi-rs/webcodecs')];
const decoder = DECODERS.find(({ missing }) => missing === undefined) ?? DECODERS[0]!;

describeNeeding('a tensor as the input of a model', [decoder], () => {
  it.each(['nchw', 'nhwc'] as const)('runs through ONNX Runtime: %s', async (layout) => {
    const session = await ort.InferenceSession.create(meansModel(layout));
    let count = 0;
    for await (const picture of readPictures(new Uint8Array(readFileSync(RECORDING)), { every: '5s' })) {
      const { data, shape } = await picture.toTensor({ width: 96, height: 64, layout, mean: MEAN, std: STD });
      const { means } = await session.run({ pixels: new ort.Tensor('float32', data, shape) });
      const rgb = await picture.toRgb({ width: 96, height: 64 });
      const expected = MEAN.map((mean, channel) => {
        let sum = 0;
        for (let i = channel; i < rgb.data.length; i += 3) sum += rgb.data[i]!;
        return (sum / (96 * 64) / 255 - mean) / STD[channel]!;
      });
      expect(means?.dims).toEqual([1, 3, 1, 1]);
      const found = means?.data;
      if (!(found instanceof Float32Array)) throw new Error('the model gives no numbers');
      expected.forEach((value, channel) => {
        expect(found[channel]).toBeCloseTo(value, 4);
      });
      count++;
    }
    expect(count).toBe(2);
    await session.release();
  });
});
