/**
 * Checks regular expressions of RE2, the syntax of the patterns in Kafka's protocol: Perl's without
 * lookaround, back references and possessive repetition (https://github.com/google/re2/wiki/Syntax).
 *
 * @module
 */

/** The deepest nesting of groups. The parser recurses at each. */
const MAX_DEPTH = 1_000;
/** The largest number in a repetition. */
const MAX_REPEAT = 1_000;
const MAX_RUNE = 0x10ffff;

const ASCII_CLASSES: ReadonlySet<string> = new Set(
  "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit".split(" "),
);
const CATEGORIES: ReadonlySet<string> = new Set(
  ("C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl " +
    "Zp Zs").split(" "),
);

/** Returns why `pattern` is not a regular expression of RE2, or null if it is one. */
export function re2SyntaxError(pattern: string): string | null {
  try {
    new Parser(pattern).parse();
    return null;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/** Reads a pattern from left to right. */
class Parser {
  readonly #runes: readonly string[];
  readonly #groupNames = new Set<string>();
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#runes = [...pattern];
  }

  parse(): void {
    this.#alternatives();
    if (this.#at < this.#runes.length) throw new SyntaxError("unexpected )");
  }

  /** Reads up to the end or to a `)` that no group of its own has opened. */
  #alternatives(): void {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxError("expression nests too deeply");
    // Whether a repetition would have an item to repeat, and whether it would follow another.
    let hasItem = false;
    let isRepeated = false;
    for (let rune = this.#peek(); rune !== undefined && rune !== ")"; rune = this.#peek()) {
      const start = this.#at;
      if (this.#skip("|")) hasItem = isRepeated = false;
      else if (this.#repetition()) {
        const operator = this.#runes.slice(start, this.#at).join("");
        if (isRepeated) throw new SyntaxError(`invalid nested repetition operator: ${operator}`);
        if (!hasItem) {
          throw new SyntaxError(`missing argument to repetition operator: ${operator}`);
        }
        isRepeated = true;
      } else {
        // Flags, such as (?i), stand between an item and its repetition without a part in it.
        hasItem = this.#item() || hasItem;
        // RE2/J does not repeat a literal brace.
        isRepeated = rune === "{";
      }
    }
    this.#depth--;
  }

  /** Reads a repetition operator, if one is there, with the `?` that makes it lazy. */
  #repetition(): boolean {
    if (!this.#skip("*") && !this.#skip("+") && !this.#skip("?") && !this.#repeatRange()) {
      return false;
    }
    this.#skip("?");
    return true;
  }

  /** Reads `{2}`, `{2,}` or `{2,5}`. Any other text after a brace makes it a literal. */
  #repeatRange(): boolean {
    if (this.#peek() !== "{") return false;
    const end = this.#runes.indexOf("}", this.#at);
    const text = this.#runes.slice(this.#at, end + 1).join("");
    const match = /^\{(0|[1-9]\d*)(?:,(0|[1-9]\d*)?)?\}$/.exec(text);
    if (match === null) return false;
    const min = Number(match[1]);
    const max = Number(match[2] ?? min);
    if (max < min || max > MAX_REPEAT) throw new SyntaxError(`invalid repeat count: ${text}`);
    this.#at = end + 1;
    return true;
  }

  /** Reads a group, a class, an escape or a literal. Returns whether it was more than flags. */
  #item(): boolean {
    const rune = this.#next();
    if (rune === "(") return this.#group();
    if (rune === "[") this.#bracketClass();
    else if (rune === "\\") {
      const next = this.#peek();
      if (next === "Q") return this.#quoted();
      else if (next !== undefined && "AzbB".includes(next)) this.#at++;
      else if (!this.#namedClass()) this.#escape();
    }
    return true;
  }

  #group(): boolean {
    if (this.#skip("?") && !this.#groupName() && this.#flags()) return false;
    this.#alternatives();
    if (!this.#skip(")")) throw new SyntaxError("missing closing )");
    return true;
  }

  /** Reads the name of a capturing group. */
  #groupName(): boolean {
    const start = this.#at;
    this.#skip("P");
    if (!this.#skip("<")) {
      this.#at = start;
      return false;
    }
    const end = this.#runes.indexOf(">", this.#at);
    const name = this.#runes.slice(this.#at, end < 0 ? undefined : end).join("");
    if (end < 0 || !/^\w+$/.test(name)) throw new SyntaxError("invalid named capture");
    if (this.#groupNames.has(name)) throw new SyntaxError(`duplicate capture group name: ${name}`);
    this.#groupNames.add(name);
    this.#at = end + 1;
    return true;
  }

  /** Reads flags up to `:` or `)`. Returns whether the group ends there. */
  #flags(): boolean {
    let text = "";
    for (let rune = this.#next(); rune !== ":" && rune !== ")"; rune = this.#next()) text += rune;
    if (!/^[imsU]*(-[imsU]+)?$/.test(text)) {
      throw new SyntaxError(`invalid group syntax: (?${text}`);
    }
    return this.#runes[this.#at - 1] === ")";
  }

  /** Reads `Q…`, which ends with `\E` or with the pattern. Returns whether it is not empty. */
  #quoted(): boolean {
    const start = this.#at++;
    const isEnd = (at: number) => this.#runes[at] === "\\" && this.#runes[at + 1] === "E";
    while (this.#at < this.#runes.length && !isEnd(this.#at)) this.#at++;
    const isEmpty = this.#at === start + 1;
    this.#at = Math.min(this.#at + 2, this.#runes.length);
    return !isEmpty;
  }

  /** Reads `d`, `pL` or `p{Greek}` after a backslash, if one of them is there. */
  #namedClass(): boolean {
    const kind = this.#peek();
    if (kind !== undefined && "dDsSwW".includes(kind)) {
      this.#at++;
      return true;
    }
    if (kind !== "p" && kind !== "P") return false;
    this.#at++;
    let name = this.#next();
    if (name === "{") {
      name = "";
      for (let rune = this.#next(); rune !== "}"; rune = this.#next()) name += rune;
      if (name.startsWith("^")) name = name.slice(1);
    }
    if (name !== "Any" && !CATEGORIES.has(name) && !isScript(name)) {
      throw new SyntaxError(`invalid character class range: ${name}`);
    }
    return true;
  }

  /** Reads an escape behind its backslash, and returns the code point. */
  #escape(): number {
    const rune = this.#next();
    if (/^[^A-Za-z0-9]$/u.test(rune)) return rune.codePointAt(0)!;
    if (/^[0-7]$/.test(rune)) {
      // A single digit would be a back reference.
      if (rune !== "0" && !/^[0-7]$/.test(this.#peek() ?? "")) {
        throw new SyntaxError(`invalid escape sequence: \\${rune}`);
      }
      let digits = rune;
      while (digits.length < 3 && /^[0-7]$/.test(this.#peek() ?? "")) digits += this.#next();
      return Number.parseInt(digits, 8);
    }
    if (rune === "x") return this.#hexadecimal();
    const control = "afnrtv".indexOf(rune);
    if (control < 0) throw new SyntaxError(`invalid escape sequence: \\${rune}`);
    return [7, 12, 10, 13, 9, 11][control]!;
  }

  #hexadecimal(): number {
    let digits = this.#next();
    if (digits === "{") {
      digits = "";
      for (let rune = this.#next(); rune !== "}"; rune = this.#next()) digits += rune;
    } else digits += this.#next();
    const code = /^[0-9A-Fa-f]+$/.test(digits) ? Number.parseInt(digits, 16) : Infinity;
    if (code > MAX_RUNE) throw new SyntaxError("invalid escape sequence: \\x");
    return code;
  }

  #bracketClass(): void {
    this.#skip("^");
    for (let first = true; first || this.#peek() !== "]"; first = false) {
      if (this.#asciiClass()) continue;
      if (this.#peek() === "\\" && /^[dDsSwWpP]$/.test(this.#runes[this.#at + 1] ?? "")) {
        this.#at++;
        this.#namedClass();
        continue;
      }
      const low = this.#classRune();
      if (this.#peek() !== "-" || this.#runes[this.#at + 1] === "]") continue;
      this.#at++;
      if (this.#classRune() < low) throw new SyntaxError("invalid character class range");
    }
    this.#at++;
  }

  #classRune(): number {
    const rune = this.#runes[this.#at++];
    if (rune === undefined) throw new SyntaxError("missing closing ]");
    return rune === "\\" ? this.#escape() : rune.codePointAt(0)!;
  }

  /** Reads `[:alpha:]` within brackets, if it is there. */
  #asciiClass(): boolean {
    if (this.#peek() !== "[" || this.#runes[this.#at + 1] !== ":") return false;
    for (let end = this.#at + 1; end + 1 < this.#runes.length; end++) {
      if (this.#runes[end] !== ":" || this.#runes[end + 1] !== "]") continue;
      const name = this.#runes.slice(this.#at + 2, end).join("");
      if (!ASCII_CLASSES.has(name.replace(/^\^/, ""))) {
        throw new SyntaxError(`invalid character class range: [:${name}:]`);
      }
      this.#at = end + 2;
      return true;
    }
    return false;
  }

  #peek(): string | undefined {
    return this.#runes[this.#at];
  }

  #skip(rune: string): boolean {
    if (this.#peek() !== rune) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const rune = this.#runes[this.#at++];
    if (rune === undefined) throw new SyntaxError("unexpected end of the expression");
    return rune;
  }
}

/** Returns whether Unicode has a script of this name. */
function isScript(name: string): boolean {
  if (!/^[A-Z][a-z]+(_[A-Z][a-z]+)*$/.test(name)) return false;
  try {
    return new RegExp(`\\p{Script=${name}}`, "u") !== null;
  } catch {
    return false;
  }
}
