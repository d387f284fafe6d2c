import { Group, Text } from "@mantine/core";

/** The mark and the name. */
export function Logo() {
  return (
    <Group gap={10} wrap="nowrap">
      <img src="/favicon.svg" alt="" width={28} height={28} />
      <Text component="span" fw={700} fz="lg" lts="-0.02em">
        Marquee
      </Text>
    </Group>
  );
}
