import { app } from "./app";
import { assets } from "./assets";
import { codes } from "./codes";
import { people } from "./people";
import { records } from "./records";
import { session } from "./session";
import { upload } from "./upload";

/** Everything the console says. Each feature has a file of its own, in each language. */
export const en = {
  ...app,
  ...session,
  ...assets,
  ...upload,
  ...people,
  ...records,
  code: codes,
};

/** The same keys in another language. */
export type Words<T> = { [Key in keyof T]: T[Key] extends string ? string : Words<T[Key]> };
