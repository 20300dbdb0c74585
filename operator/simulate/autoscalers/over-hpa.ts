import type { Autoscaler, World } from '../world.ts';
import { createHpa, type HpaSettings } from './hpa.ts';

/** A scaler that moves the floor of an HPA, which moves the replicas. */
export function overHpa(scaler: Autoscaler, settings: HpaSettings): Autoscaler {
  let floor = settings.minReplicas;
  const hpa = createHpa(settings, () => floor);
  return {
    name: `${scaler.name}+hpa`,
    get nextAt() {
      return Math.min(scaler.nextAt, hpa.nextAt);
    },
    act(world) {
      if (world.now >= hpa.nextAt) return hpa.act(world);
      floor = scaler.act(asFloor(world, floor));
      return world.fleet.asked;
    },
  };
}

/** What is asked for is the floor, as a scaler that moves one sees it. */
const asFloor = (world: World, floor: number): World =>
  Object.create(world, { fleet: { value: Object.create(world.fleet, { asked: { value: floor } }) } }) as World;
