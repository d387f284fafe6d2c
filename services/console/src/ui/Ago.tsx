import { useNow } from "@/api/clock";
import { ago, moment } from "./format";

/** "3 minutes ago", with the exact moment on hover and for programs. */
export function Ago({ time }: { time: string }) {
  const now = useNow();
  return (
    <time dateTime={time} title={moment(time)}>
      {ago(time, now)}
    </time>
  );
}

/** When it was, both ways; the exact moment is not broken across lines. */
export function When({ time }: { time: string }) {
  return (
    <>
      <Ago time={time} /> · <span style={{ whiteSpace: "nowrap" }}>{moment(time)}</span>
    </>
  );
}
