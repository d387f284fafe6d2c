import { Avatar } from "@mantine/core";

/** The initials of somebody on a colour of their own; their name always stands beside it. */
export function Face({ name, size = 38 }: { name: string; size?: number }) {
  return (
    <Avatar
      name={name}
      color="initials"
      size={size}
      alt=""
      aria-hidden
      styles={{ placeholder: { color: "var(--mantine-color-text)" } }}
    />
  );
}
