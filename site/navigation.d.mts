/** A page of the side bar. */
export interface GuideItem {
  readonly text: string;
  /** Where its text comes from, seen from the root of the repository. */
  readonly source: string;
  /** Its name on the site. */
  readonly page: string;
}

export declare const GUIDES: readonly { readonly text: string; readonly items: readonly GuideItem[] }[];
