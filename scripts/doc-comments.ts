import { relative, resolve } from 'node:path';
import * as ast from 'typescript/unstable/ast';
import { API, type Project, SymbolFlags, type Symbol as SymbolOf, type Type } from 'typescript/unstable/sync';

/** Something that readers of the public types see, with the place of its declaration. */
export interface PublicDeclaration {
  /** How it is reached: `Frame.timestamp`, `Fault.afterBytes`. */
  readonly name: string;
  /** As terminals and editors take it: `src/visitors/frame.ts:12`. */
  readonly place: string;
  readonly documented: boolean;
}

/** The sources of package.json's `exports`. */
export const ENTRIES = [
  'src/index.ts',
  'src/client/index.ts',
  'src/testing/index.ts',
  'src/mp4/index.ts',
  'src/decode/index.ts',
  'src/hls/index.ts',
  'src/hls/node.ts',
  'src/fleet/index.ts',
];

/**
 * Every exported symbol of the entries with all its members: fields, accessors, methods and constructors, also inherited ones, the properties of
 * object types at any depth, and the words of unions of string literals. A word, or a property of an object type within a declaration, counts
 * as documented where it has a comment of its own, or where the comment of the declaration names it in quotes or as code. A property that
 * tells the variants of a union apart counts as documented where its variant has a comment.
 */
export function publicDeclarations(): PublicDeclaration[] {
  const api = new API();
  try {
    const project = api.updateSnapshot({ openProjects: [resolve('tsconfig.build.json')] }).getProjects()[0];
    if (project === undefined) throw new Error('tsconfig.build.json is not a project');
    return new DeclarationCollector(project).collect();
  } finally {
    api.close();
  }
}

class DeclarationCollector {
  readonly #project: Project;
  readonly #found = new Map<string, PublicDeclaration>();

  constructor(project: Project) {
    this.#project = project;
  }

  collect(): PublicDeclaration[] {
    const { program, checker } = this.#project;
    for (const entry of ENTRIES) {
      const file = program.getSourceFile(resolve(entry));
      const module = file && checker.getSymbolAtLocation(file);
      if (module === undefined) throw new Error(`${entry} is not a module`);
      for (const exported of checker.getExportsOfModule(module)) this.#exported(exported);
    }
    return [...this.#found.values()];
  }

  #exported(exported: SymbolOf): void {
    const { checker } = this.#project;
    const symbol = exported.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    this.#symbol(symbol, exported.name);
    if (symbol.flags & (SymbolFlags.Class | SymbolFlags.Interface | SymbolFlags.TypeAlias))
      this.#members(checker.getDeclaredTypeOfSymbol(symbol), exported.name);
    if (symbol.flags & SymbolFlags.Class) {
      for (const member of symbol.getExports().values()) this.#symbol(member, `${exported.name}.${member.name}`);
      for (const node of this.#nodes(symbol)) {
        if (!ast.isClassDeclaration(node)) continue;
        for (const member of node.members)
          if (ast.isConstructorDeclaration(member) && member.parameters.length > 0)
            this.#node(member, `${exported.name}.constructor`, '');
      }
    }
  }

  /** The properties of a type, also those that it has from types that are not exported. */
  #members(type: Type, owner: string): void {
    for (const property of this.#project.checker.getPropertiesOfType(type))
      this.#symbol(property, `${owner}.${property.name}`);
  }

  #symbol(symbol: SymbolOf, name: string): void {
    const inherited = this.#project.checker.getDocumentationCommentOfSymbol(symbol);
    for (const node of this.#nodes(symbol)) this.#node(node, name, inherited);
  }

  #nodes(symbol: SymbolOf): ast.Node[] {
    const nodes = symbol.declarations.map((handle) => handle.resolve(this.#project));
    return nodes.filter((node): node is ast.Node => node !== undefined && isOurs(node));
  }

  #node(node: ast.Node, name: string, inherited: string): void {
    if (isHidden(node)) return;
    const comment = commentOf(node) || inherited;
    if (/@internal\b/.test(comment)) return;
    // A parameter or type parameter is told of in the comment of what it belongs to.
    if (!ast.isParameterDeclaration(node) && !ast.isTypeParameterDeclaration(node))
      this.#add(node, name, comment !== '');
    this.#within(node, name, comment);
  }

  /** The object types and unions that a declaration spells out. */
  #within(node: ast.Node, name: string, comment: string): void {
    if (ast.isClassLikeDeclaration(node) || ast.isInterfaceDeclaration(node)) return;
    node.forEachChild((child) => {
      // Code is not a type. What `Pick`, `Omit` and the like are given is no union of the declaration's own.
      if (ast.isBlock(child) || ast.isExpression(child) || isWordChoice(child)) return;
      if (ast.isTypeLiteralNode(child)) this.#literal(child, name, `${comment}\n${commentBefore(child)}`);
      else {
        if (ast.isUnionTypeNode(child)) this.#words(child, name, comment);
        this.#within(child, name, comment);
      }
    });
  }

  #literal(literal: ast.TypeLiteralNode, owner: string, comment: string): void {
    for (const member of literal.members) {
      const { name, type } = member as ast.Node & { readonly name?: ast.Node; readonly type?: ast.Node };
      if (name === undefined) continue;
      const word = name.getText();
      const tellsApart = type !== undefined && isTag(type) && commentBefore(literal) !== '';
      const told = tellsApart || names(comment, word) || new RegExp(`@param \\w+\\.${word}\\b`).test(comment);
      this.#node(member, `${owner}.${word}`, told ? comment : '');
    }
  }

  #words(union: ast.UnionTypeNode, name: string, comment: string): void {
    for (const type of union.types) {
      if (!ast.isLiteralTypeNode(type) || !ast.isStringLiteral(type.literal)) continue;
      const word = type.literal.text;
      this.#add(type, `${name} '${word}'`, names(comment, word) || commentBefore(type) !== '');
    }
  }

  #add(node: ast.Node, name: string, documented: boolean): void {
    const file = node.getSourceFile();
    const line = file.text.slice(0, node.getStart()).split('\n').length;
    const place = `${relative('.', file.fileName)}:${line}`;
    const key = `${place} ${node.getStart()}`;
    if (!this.#found.has(key)) this.#found.set(key, { name, place, documented });
  }
}

function isWordChoice(node: ast.Node): boolean {
  return (
    ast.isTemplateLiteralTypeNode(node) ||
    (ast.isTypeReferenceNode(node) && /^(Omit|Pick|Record)\b/.test(node.getText()))
  );
}

/** What tells the variants of a union apart: a literal, or some of them. */
function isTag(type: ast.Node): boolean {
  return ast.isLiteralTypeNode(type) || (ast.isUnionTypeNode(type) && type.types.every(isTag));
}

function names(comment: string, word: string): boolean {
  return [`'${word}'`, `\`${word}\``, `\`${word}: `].some((spelt) => comment.includes(spelt));
}

/** The comment in front of one of the types of a union: it stands before the `|`. */
function commentBefore(type: ast.Node): string {
  const { text } = type.getSourceFile();
  const before = text.slice(0, type.getStart());
  return /\/\*\*(?:(?!\*\/).)*\*\/\s*\|?\s*$/s.exec(before)?.[0] ?? '';
}

function commentOf(node: ast.Node): string {
  const own = (node.jsDoc ?? []).map((doc) => doc.getText()).join('\n');
  // The comment of a variable stands at its statement.
  if (own === '' && (ast.isVariableDeclaration(node) || ast.isVariableDeclarationList(node)))
    return commentOf(node.parent);
  return own;
}

/** What `private`, `#name` or an implementation behind overloads keeps out of the public types. */
function isHidden(node: ast.Node): boolean {
  const { name, modifiers } = node as ast.Node & { name?: ast.Node; modifiers?: ast.NodeArray<ast.Node> };
  if (name !== undefined && ast.isPrivateIdentifier(name)) return true;
  return modifiers?.some((modifier) => modifier.kind === ast.SyntaxKind.PrivateKeyword) ?? false;
}

function isOurs(node: ast.Node): boolean {
  return !relative('src', node.getSourceFile().fileName).startsWith('..');
}
