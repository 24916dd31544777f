import { type Signal, signal } from '@preact/signals';
import type { Inspection } from '../inspection.js';
import type { ElementRecord } from '../protocol.js';

/** How many children are asked for at once. */
const PAGE = 256;

/** A row of the tree: a child of an element by its place among the children. */
export interface TreeRow {
  /** `undefined` for the outermost elements. */
  readonly parent: number | undefined;
  readonly index: number;
  readonly level: number;
  /** `undefined` until the worker has told it. */
  readonly element: ElementRecord | undefined;
}

interface Branch {
  total: number;
  readonly children: Map<number, ElementRecord>;
  readonly asked: Set<number>;
}

/** The elements that are shown of a tree whose branches are asked for when they are opened, a page of children at a time. */
export class ElementTree {
  readonly #ask: Inspection['ask'];
  readonly #branches = new Map<number | undefined, Branch>([[undefined, newBranch()]]);
  readonly #open = new Set<number>();
  readonly #version = signal(0);
  #rows: { version: number; parents: (number | undefined)[]; indexes: number[]; levels: number[] } | undefined;
  /** Number of the element that is chosen. */
  readonly chosen: Signal<ElementRecord | undefined> = signal(undefined);

  constructor(ask: Inspection['ask']) {
    this.#ask = ask;
  }

  get count(): number {
    return this.#shown.parents.length;
  }

  /** A row in sight: its element is asked for where it is not known. */
  row(at: number): TreeRow | undefined {
    const { parents, indexes, levels } = this.#shown;
    const index = indexes[at];
    const level = levels[at];
    if (index === undefined || level === undefined) return undefined;
    const parent = parents[at];
    const element = this.#branches.get(parent)?.children.get(index);
    if (element === undefined) this.#load(parent, index).catch(() => {});
    return { parent, index, level, element };
  }

  /** How many siblings a row has, itself too. */
  siblings(parent: number | undefined): number {
    return this.#branches.get(parent)?.total ?? 0;
  }

  isOpen(element: number): boolean {
    return this.#open.has(element);
  }

  /** Place of an element among the rows; -1 where it is not shown. */
  placeOf(element: number): number {
    const { parents, indexes } = this.#shown;
    for (const [parent, { children }] of this.#branches) {
      for (const [index, child] of children) {
        if (child.element !== element) continue;
        for (let at = 0; at < parents.length; at++) if (parents[at] === parent && indexes[at] === index) return at;
        return -1;
      }
    }
    return -1;
  }

  /** Opens or closes a master. */
  async toggle(element: ElementRecord, open = !this.#open.has(element.element)): Promise<void> {
    if (!element.master || open === this.#open.has(element.element)) return;
    if (open) {
      this.#open.add(element.element);
      await this.#load(element.element, 0);
    } else {
      this.#open.delete(element.element);
    }
    this.#changed();
  }

  /** Opens all that an element lies in and chooses it. */
  async reveal(number: number): Promise<void> {
    const path = await this.#ask('path', { element: number });
    let parent: number | undefined;
    for (const { element, index } of path) {
      await this.#load(parent, index);
      const branch = this.#branches.get(parent);
      branch?.children.set(index, element);
      if (element.element !== number) this.#open.add(element.element);
      parent = element.element;
    }
    this.chosen.value = path.at(-1)?.element;
    this.#changed();
  }

  /** Asks again for what may have grown: the outermost elements and those that were still being read. */
  async refresh(): Promise<void> {
    const root = this.#branches.get(undefined);
    if (root === undefined) return;
    const { total, elements } = await this.#ask('children', { parent: undefined, from: 0, count: 1 });
    // In a live stream the oldest are let go: places have moved.
    const first = root.children.get(0);
    const hasMoved = first !== undefined && first.element !== elements[0]?.element;
    if (hasMoved) this.#forget(elements[0]?.element ?? Number.POSITIVE_INFINITY);
    const grown = this.#branches.get(undefined)!;
    grown.total = total;
    for (const branch of this.#branches.values()) {
      for (const [index, child] of branch.children) {
        if (!child.open) continue;
        branch.children.delete(index);
        branch.asked.delete(Math.floor(index / PAGE));
        if (!this.#open.has(child.element)) continue;
        const inner = this.#branches.get(child.element);
        inner?.asked.clear();
        await this.#load(child.element, 0);
      }
    }
    this.#changed();
  }

  /** Lets go of all elements before one, which are no longer there. */
  #forget(first: number): void {
    this.#branches.set(undefined, newBranch());
    for (const element of [...this.#open]) if (element < first) this.#open.delete(element);
    for (const parent of [...this.#branches.keys()]) {
      if (parent !== undefined && parent < first) this.#branches.delete(parent);
    }
  }

  async #load(parent: number | undefined, index: number): Promise<void> {
    const branch = this.#branches.get(parent) ?? newBranch();
    this.#branches.set(parent, branch);
    const page = Math.floor(index / PAGE);
    if (branch.asked.has(page)) return;
    branch.asked.add(page);
    const from = page * PAGE;
    const { total, elements } = await this.#ask('children', { parent, from, count: PAGE });
    branch.total = total;
    elements.forEach((element, at) => {
      branch.children.set(from + at, element);
    });
    // A page that was not full may be asked for again when there is more.
    if (elements.length < PAGE) branch.asked.delete(page);
    this.#changed();
  }

  #changed(): void {
    this.#version.value++;
  }

  get #shown() {
    const version = this.#version.value;
    if (this.#rows?.version === version) return this.#rows;
    const rows = { version, parents: [] as (number | undefined)[], indexes: [] as number[], levels: [] as number[] };
    const add = (parent: number | undefined, level: number) => {
      const branch = this.#branches.get(parent);
      if (branch === undefined) return;
      for (let index = 0; index < branch.total; index++) {
        rows.parents.push(parent);
        rows.indexes.push(index);
        rows.levels.push(level);
        const child = branch.children.get(index);
        if (child !== undefined && this.#open.has(child.element)) add(child.element, level + 1);
      }
    };
    add(undefined, 1);
    this.#rows = rows;
    return rows;
  }
}

function newBranch(): Branch {
  return { total: 0, children: new Map(), asked: new Set() };
}
