import type { en, Words } from "../en";
import { app } from "./app";
import { assets } from "./assets";
import { codes } from "./codes";
import { people } from "./people";
import { records } from "./records";
import { session } from "./session";
import { upload } from "./upload";

export const de: Words<typeof en> = {
  ...app,
  ...session,
  ...assets,
  ...upload,
  ...people,
  ...records,
  code: codes,
};
