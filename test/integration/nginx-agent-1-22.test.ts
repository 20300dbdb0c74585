import { describe } from '@jest/globals';
import { agentStories } from './nginx-agent-stories.ts';

describe('genops nginx-agent before nginx 1.22', () => agentStories('1.22'));
