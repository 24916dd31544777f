import { render } from 'preact';
import { App } from './app.js';
import { openServed } from './served.js';

const root = document.getElementById('page');
if (root === null) throw new Error('the page has no place to be drawn in');
render(<App />, root);
openServed();
