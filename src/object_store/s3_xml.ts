// @ts-types="@types/sax"
import sax from "sax";
import { ObjectStoreError } from "./types.ts";

/** An element of an answer: what S3 sends is lists of lists, of no great depth. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement extends XmlElement {
  text: string;
  readonly children: XmlElement[];
}

const depthMax = 16;

/** Throws an ObjectStoreError for what is no XML. */
export function parseXml(text: string): XmlElement {
  const document: OpenElement = { name: "", text: "", children: [] };
  const open = [document];
  const parser = sax.parser(true, { trim: false });
  parser.onopentag = ({ name }) => {
    if (open.length > depthMax) throw notXml("it is nested too deeply");
    const element: OpenElement = { name, text: "", children: [] };
    open.at(-1)?.children.push(element);
    open.push(element);
  };
  parser.ontext = (piece) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += piece;
  };
  parser.onclosetag = () => void open.pop();
  parser.onerror = (error) => {
    throw notXml(error.message);
  };
  parser.write(text).close();
  const [root] = document.children;
  if (root === undefined) throw notXml("it is empty");
  return root;
}

function notXml(why: string): ObjectStoreError {
  return new ObjectStoreError("unavailable", `The store's answer is not readable XML: ${why}`);
}

export function childText(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
