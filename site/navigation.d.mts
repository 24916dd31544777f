/** A page of the side bar: where its text comes from, and its name on the site where that is not the file's. */
export interface GuideItem {
  readonly text: string;
  readonly source: string;
  readonly page?: string;
}

export declare const GUIDES: readonly { readonly text: string; readonly items: readonly GuideItem[] }[];
export declare function guidePages(): readonly (GuideItem & { readonly page: string })[];
export declare function pageOf(source: string): string;
