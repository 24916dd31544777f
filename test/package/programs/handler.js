// A function for AWS Lambda.
import { consumeLive } from './live.js';

export const handler = async ({ endpoint }) => consumeLive(endpoint);
