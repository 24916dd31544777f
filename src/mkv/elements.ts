import { EBML_SCHEMA, type EbmlElementType, type EbmlSchema, parseSchema } from '../ebml/element-type.js';
import type { Block } from './block.js';
import type {
  BinaryElementName,
  BlockElementName,
  DateElementName,
  FloatElementName,
  IdentifierElementName,
  IntegerElementName,
  MasterElementName,
  StringElementName,
  UintegerElementName,
} from './element-names.js';
import { MATROSKA_SCHEMA } from './schema.js';

declare const value: unique symbol;

/** An element of the Matroska schema that holds other elements. */
export interface MkvMasterType extends EbmlElementType {
  readonly type: 'master';
}

/** An element of the Matroska schema that holds a value of type `V`. */
export interface MkvDataType<V = unknown> extends EbmlElementType {
  readonly type: Exclude<EbmlElementType['type'], 'master'>;
  /** Carries the type of the element's value; it does not exist at run time. */
  readonly [value]?: V;
}

/** An entry of the element table {@link Mkv}. */
export type MkvElementType = MkvMasterType | MkvDataType;

/** The element table: every element of RFC 9559, its predecessors and the EBML header, by name. */
export type MkvTable = { readonly [N in MasterElementName]: MkvMasterType } & {
  readonly [N in UintegerElementName | IntegerElementName | FloatElementName]: MkvDataType<number>;
} & {
  readonly [N in IdentifierElementName | DateElementName]: MkvDataType<bigint>;
} & {
  readonly [N in StringElementName]: MkvDataType<string>;
} & {
  readonly [N in BinaryElementName]: MkvDataType<Uint8Array>;
} & {
  readonly [N in BlockElementName]: MkvDataType<Block>;
};

const types = /* @__PURE__ */ parseSchema(EBML_SCHEMA + MATROSKA_SCHEMA);

/**
 * Every element that Matroska knows, by its name in RFC 9559 and RFC 8794: `Mkv.SimpleBlock`, `Mkv.Timestamp`,
 * `Mkv['CRC-32']`. Deprecated elements are there as well, under the names that the RFC's element table gives them.
 */
// The names come out of a string, so the compiler cannot know them; the schema's test holds the types to what is there.
export const Mkv = /* @__PURE__ */ Object.fromEntries(types.map((type) => [type.name, type])) as unknown as MkvTable;

/** The entries of {@link Mkv}, by id. */
export const MKV_SCHEMA: EbmlSchema = /* @__PURE__ */ new Map(types.map((type) => [type.id, type]));
