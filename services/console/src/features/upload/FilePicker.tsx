import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { uploads } from "./uploads";

let input: HTMLInputElement | null = null;

/** Lets the person choose videos to upload. */
export function chooseFiles(): void {
  (input ?? document.querySelector<HTMLInputElement>("input[type=file]"))?.click();
}

/** The field that files are chosen with; what one sees are buttons that open it. */
export function FilePicker() {
  const { t } = useTranslation();
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input = ref.current;
    return () => {
      input = null;
    };
  }, []);
  return (
    <input
      ref={ref}
      type="file"
      multiple
      hidden
      accept="video/mp4,video/quicktime,.mp4,.m4v,.mov"
      aria-label={t("upload.choose")}
      onChange={({ currentTarget }) => {
        void uploads.add([...(currentTarget.files ?? [])]);
        currentTarget.value = "";
      }}
    />
  );
}
