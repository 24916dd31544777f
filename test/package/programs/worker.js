import { read } from './story.js';

export default {
  async fetch(request) {
    return Response.json(await read(new Uint8Array(await request.arrayBuffer())));
  },
};
